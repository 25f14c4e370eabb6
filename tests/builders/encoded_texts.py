"""Short texts of many languages, for measuring how bytes without a name for their encoding are read.

Each language has a title, two sentences and a paragraph, as a note or a mail would have them, and
the encodings that its people have used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text, and its bytes in an encoding that holds all of it."""

    language: str
    encoding: str
    text: str
    data: bytes


ENCODINGS = {
    "German": "cp1252 iso8859_15 mac_roman cp850",
    "French": "cp1252 iso8859_15 mac_roman cp850",
    "Spanish": "cp1252 mac_roman cp850",
    "Portuguese": "cp1252 cp850",
    "Italian": "cp1252 mac_roman",
    "Dutch": "cp1252",
    "Swedish": "cp1252 cp850",
    "Danish": "cp1252",
    "Finnish": "cp1252",
    "Icelandic": "cp1252",
    "English": "cp1252 mac_roman",
    "Polish": "cp1250 iso8859_2 cp852",
    "Czech": "cp1250 iso8859_2 cp852",
    "Slovak": "cp1250 iso8859_2",
    "Hungarian": "cp1250 iso8859_2 cp852",
    "Croatian": "cp1250 iso8859_2",
    "Romanian": "cp1250 iso8859_2",
    "Russian": "cp1251 koi8_r cp866 iso8859_5 mac_cyrillic",
    "Ukrainian": "cp1251 koi8_u",
    "Bulgarian": "cp1251 iso8859_5",
    "Serbian": "cp1251 iso8859_5",
    "Greek": "cp1253 iso8859_7",
    "Turkish": "cp1254 iso8859_9",
    "Hebrew": "cp1255 iso8859_8",
    "Arabic": "cp1256 iso8859_6",
    "Persian": "cp1256",
    "Lithuanian": "cp1257",
    "Latvian": "cp1257",
    "Estonian": "cp1257",
    "Thai": "cp874",
    "Japanese": "cp932 euc_jp iso2022_jp",
    "Simplified Chinese": "gb18030",
    "Traditional Chinese": "big5",
    "Korean": "cp949",
}

TEXTS = {
    "German": (
        "Übersicht der Gebühren",
        "Die Rechnung für März ist noch nicht bezahlt.",
        (
            "Bitte prüfen Sie, ob die Tür zum Lager abends abgeschlossen wird und die Schlüssel im Büro"
            " hängen."
        ),
        (
            "Wir möchten Ihnen mitteilen, dass die Straße vor dem Gebäude ab Montag gesperrt ist. Während"
            " der Arbeiten können Sie über den Hof zufahren. Für Rückfragen steht Ihnen Herr Müller gern"
            " zur Verfügung."
        ),
    ),
    "French": (
        "Résumé de la réunion",
        "Le dossier complet a été envoyé à la préfecture.",
        (
            "Nous avons reçu votre demande et nous vous répondrons dès que possible, au plus tard à la fin"
            " du mois."
        ),
        (
            "L'été dernier, la bibliothèque a fermé ses portes pour travaux. Elle rouvrira en février avec"
            " une nouvelle salle de lecture, où les élèves pourront étudier en silence. L'entrée reste"
            " gratuite."
        ),
    ),
    "Spanish": (
        "Información general",
        "El año pasado llovió más que nunca en esta región.",
        (
            "La reunión se celebrará mañana por la tarde en el salón de actos, según confirmó la"
            " dirección."
        ),
        (
            "¿Dónde está la estación de tren más próxima? El autobús número siete pasa cada diez minutos y"
            " llega hasta el centro. También puede ir a pie: el camino es corto y muy agradable en otoño."
        ),
    ),
    "Portuguese": (
        "Relatório de atenção",
        "A reunião não começou à hora marcada.",
        "As informações sobre a instalação estão na última página do manual, junto à lista de peças.",
        (
            "Não é possível alterar a encomenda depois da expedição. Se tiver dúvidas, contacte o serviço"
            " de apoio através do número indicado na fatura. As devoluções são aceites até trinta dias"
            " após a recepção."
        ),
    ),
    "Italian": (
        "Attività del lunedì",
        "La città è più bella quando piove.",
        "Il medico ha detto che può tornare al lavoro già giovedì, perché la febbre è passata.",
        (
            "La società ha deciso di chiudere lo stabilimento perché la qualità del prodotto non è più"
            " quella di una volta. Gli operai, però, non sono d'accordo: martedì ci sarà uno sciopero in"
            " tutta la città."
        ),
    ),
    "Dutch": (
        "Geïnteresseerde leden",
        "De coördinatie van het project is nog niet geregeld.",
        (
            "Alle financiële gegevens zijn geëxporteerd en naar de commissie gestuurd, één exemplaar per"
            " lid."
        ),
        (
            "De vergadering begint om negen uur en duurt tot de middag. Ideeën voor de nieuwe brochure"
            " kunt u vóór vrijdag inleveren. Wie geïnteresseerd is in een rondleiding, kan zich melden bij"
            " de receptie van het museum."
        ),
    ),
    "Swedish": (
        "Årsmöte i föreningen",
        "Vi behöver fler böcker på svenska till skolan.",
        (
            "Mötet är flyttat till måndag klockan två, eftersom flera av oss är på resa i början av"
            " veckan."
        ),
        (
            "Under året har antalet besökare ökat, och vi har därför öppnat även på söndagar. Den som vill"
            " låna böcker behöver ett lånekort. Barn under åtta år får låna gratis om de är tillsammans"
            " med en vuxen."
        ),
    ),
    "Danish": (
        "Årsrapport fra bestyrelsen",
        "Prøven blev taget før kølingen af anlægget.",
        "Vi beder om, at alle spørgsmål bliver stillet skriftligt, så de kan blive besvaret før mødet.",
        (
            "Søndag den første juni åbner vi dørene til det nye museum. Der er gratis adgang for børn, og"
            " på plænen bag bygningen kan gæsterne købe kaffe og æblekage. Vi håber på godt vejr og mange"
            " besøgende."
        ),
    ),
    "Finnish": (
        "Pöytäkirja hyväksytty",
        "Kaikki tehtävät pitää tehdä ennen kesää.",
        "Kokous pidetään lähiaikoina, ja siellä päätetään uuden säännön käyttöönotosta.",
        (
            "Kirjasto on avoinna arkisin kello yhdeksästä kahteenkymmeneen. Kesäkuussa se on suljettu"
            " remontin vuoksi. Lainat voi palauttaa pääoven vieressä olevaan luukkuun milloin tahansa,"
            " myös öisin."
        ),
    ),
    "Icelandic": (
        "Íslensk orðabók",
        "Það er ekki hægt að kaupa miða á netinu.",
        "Fundurinn verður haldinn á þriðjudaginn í húsi félagsins og allir eru velkomnir.",
        (
            "Veðrið á morgun verður þurrt og bjart víða um land. Síðdegis þykknar upp á Vesturlandi og"
            " fer að rigna. Ökumenn eru beðnir að fara varlega því að færð á heiðum getur breyst fljótt."
        ),
    ),
    "English": (
        "The café’s opening hours",
        "It’s a naïve plan – and it won’t work.",
        "“We didn’t expect so many visitors,” said the director of the museum on Sunday.",
        (
            "The résumé that you sent us last week couldn’t be opened. Please send it again – as a PDF, if"
            " possible. We’ll keep it for six months, and we won’t pass it on to anybody else."
        ),
    ),
    "Polish": (
        "Książka życzeń",
        "Proszę wysłać fakturę na adres firmy.",
        (
            "Zebranie odbędzie się w przyszły wtorek o dziesiątej, ponieważ większość z nas będzie już po"
            " urlopach."
        ),
        (
            "Biblioteka jest czynna codziennie oprócz niedziel. Książki można wypożyczać na miesiąc, a"
            " później przedłużyć termin przez telefon. Jeśli ktoś zgubi kartę, powinien jak najszybciej"
            " zgłosić się do kierownika."
        ),
    ),
    "Czech": (
        "Příloha k žádosti",
        "Faktura za červen ještě nebyla zaplacena.",
        (
            "Schůze se bude konat příští úterý v devět hodin, protože většina z nás bude už zpátky z"
            " dovolené."
        ),
        (
            "Knihovna je otevřena každý den kromě neděle. Knihy si můžete půjčit na jeden měsíc a potom"
            " výpůjčku prodloužit. Kdo ztratí průkaz, měl by to co nejdříve oznámit vedoucímu oddělení."
        ),
    ),
    "Slovak": (
        "Príloha k žiadosti",
        "Faktúra za jún ešte nebola zaplatená.",
        (
            "Schôdza sa bude konať budúci utorok o deviatej, pretože väčšina z nás už bude späť z"
            " dovolenky."
        ),
        (
            "Knižnica je otvorená každý deň okrem nedele. Knihy si môžete požičať na jeden mesiac a potom"
            " výpožičku predĺžiť. Kto stratí preukaz, mal by to čo najskôr oznámiť vedúcemu oddelenia."
        ),
    ),
    "Hungarian": (
        "Éves közgyűlés",
        "A számlát még nem fizették ki, kérjük, intézkedjen.",
        "Az értekezletet jövő kedden tartjuk, mert a többség addigra már visszatér a szabadságról.",
        (
            "A könyvtár vasárnap kivételével minden nap nyitva tart. A könyveket egy hónapra lehet"
            " kölcsönözni, utána pedig meg lehet hosszabbítani a határidőt. Aki elveszíti a kártyáját,"
            " minél előbb szóljon a vezetőnek."
        ),
    ),
    "Croatian": (
        "Izvješće o sjednici",
        "Račun za lipanj još nije plaćen.",
        (
            "Sastanak će se održati sljedeći utorak u devet sati, jer će se većina nas već vratiti s"
            " odmora."
        ),
        (
            "Knjižnica je otvorena svaki dan osim nedjelje. Knjige možete posuditi na mjesec dana, a zatim"
            " produžiti rok. Tko izgubi iskaznicu, treba to što prije javiti voditelju odjela, koji će mu"
            " izdati novu."
        ),
    ),
    "Romanian": (
        "Anexă la cerere",
        "Factura pentru luna iunie nu a fost încă plătită.",
        "Ședința va avea loc marțea viitoare, fiindcă cei mai mulți dintre noi vor fi deja înapoi.".replace(
            "Ș", "Ş"
        ).replace("ț", "ţ"),
        (
            "Biblioteca este deschisă în fiecare zi, în afară de duminică. Cărţile pot fi împrumutate"
            " pentru o lună, iar apoi termenul se poate prelungi. Cine îşi pierde legitimaţia trebuie să"
            " anunţe cât mai repede."
        ),
    ),
    "Russian": (
        "Приложение к договору",
        "Счёт за июнь ещё не оплачен.",
        (
            "Собрание состоится в следующий вторник в девять часов, потому что большинство из нас уже"
            " вернётся из отпуска."
        ),
        (
            "Библиотека открыта каждый день, кроме воскресенья. Книги можно взять на один месяц, а потом"
            " продлить срок по телефону. Тот, кто потеряет билет, должен как можно скорее сообщить об этом"
            " заведующему."
        ),
    ),
    "Ukrainian": (
        "Додаток до договору",
        "Рахунок за червень ще не сплачено.",
        (
            "Збори відбудуться наступного вівторка о дев'ятій годині, бо більшість із нас уже повернеться"
            " з відпустки."
        ),
        (
            "Бібліотека відкрита щодня, крім неділі. Книги можна взяти на один місяць, а потім продовжити"
            " термін телефоном. Той, хто загубить квиток, має якнайшвидше повідомити про це завідувача."
        ),
    ),
    "Bulgarian": (
        "Приложение към договора",
        "Фактурата за юни още не е платена.",
        (
            "Събранието ще се състои следващия вторник в девет часа, защото повечето от нас вече ще са се"
            " върнали от отпуска."
        ),
        (
            "Библиотеката е отворена всеки ден освен в неделя. Книгите могат да се заемат за един месец, а"
            " след това срокът може да се удължи по телефона. Който загуби картата си, трябва да съобщи за"
            " това."
        ),
    ),
    "Serbian": (
        "Прилог уз уговор",
        "Рачун за јун још није плаћен.",
        (
            "Састанак ће се одржати следећег уторка у девет сати, јер ће се већина нас већ вратити са"
            " одмора."
        ),
        (
            "Библиотека је отворена сваког дана осим недеље. Књиге можете позајмити на месец дана, а затим"
            " продужити рок. Ко изгуби чланску карту, треба то што пре да јави управнику, који ће издати"
            " нову."
        ),
    ),
    "Greek": (
        "Παράρτημα της σύμβασης",
        "Ο λογαριασμός του Ιουνίου δεν έχει πληρωθεί.",
        (
            "Η συνέλευση θα γίνει την επόμενη Τρίτη στις εννέα το πρωί, γιατί οι περισσότεροι θα έχουν"
            " επιστρέψει."
        ),
        (
            "Η βιβλιοθήκη είναι ανοιχτή κάθε μέρα εκτός από την Κυριακή. Τα βιβλία δανείζονται για έναν"
            " μήνα και μετά μπορείτε να παρατείνετε την προθεσμία. Όποιος χάσει την κάρτα του πρέπει να το"
            " δηλώσει αμέσως."
        ),
    ),
    "Turkish": (
        "Sözleşmenin eki",
        "Haziran ayının faturası henüz ödenmedi.",
        (
            "Toplantı gelecek salı günü saat dokuzda yapılacak, çünkü çoğumuz o zamana kadar izinden"
            " dönmüş olacağız."
        ),
        (
            "Kütüphane pazar dışında her gün açıktır. Kitaplar bir aylığına ödünç alınabilir, sonra süre"
            " telefonla uzatılabilir. Kartını kaybeden kişi bunu en kısa zamanda müdüre bildirmelidir."
        ),
    ),
    "Hebrew": (
        "נספח להסכם השכירות",
        "החשבון של חודש יוני עדיין לא שולם.",
        "הישיבה תתקיים ביום שלישי הבא בשעה תשע, כי רובנו נחזור עד אז מהחופשה.",
        (
            "הספרייה פתוחה בכל יום חוץ משבת. אפשר לשאול ספרים לחודש אחד ואחר כך להאריך את המועד בטלפון."
            " מי שמאבד את הכרטיס שלו צריך להודיע על כך למנהל בהקדם האפשרי."
        ),
    ),
    "Arabic": (
        "ملحق العقد السنوي",
        "لم يتم دفع فاتورة شهر يونيو بعد.",
        "سيعقد الاجتماع يوم الثلاثاء القادم في الساعة التاسعة لأن معظمنا سيعود من الإجازة.",
        (
            "المكتبة مفتوحة كل يوم ما عدا الجمعة. يمكن استعارة الكتب لمدة شهر واحد ثم تمديد المدة عن طريق"
            " الهاتف. من يفقد بطاقته يجب عليه أن يخبر المدير بذلك في أسرع وقت ممكن."
        ),
    ),
    "Persian": (
        "پیوست قرارداد اجاره".replace("ی", "ي"),
        "صورتحساب ماه گذشته هنوز پرداخت نشده است.",
        "جلسه روز سه شنبه برگزار خواهد شد، چون بيشتر ما تا آن زمان از مرخصي برگشته‌ايم.",
        (
            "کتابخانه هر روز به جز جمعه باز است. کتاب‌ها را مي‌توان براي يک ماه امانت گرفت و سپس مهلت را"
            " تلفني تمديد کرد. هر کس کارت خود را گم کند بايد آن را زود به مدير خبر دهد."
        ),
    ),
    "Lithuanian": (
        "Sutarties priedas ąžuolui",
        "Birželio mėnesio sąskaita dar neapmokėta.",
        (
            "Susirinkimas vyks kitą antradienį devintą valandą, nes dauguma mūsų jau bus grįžę iš"
            " atostogų."
        ),
        (
            "Biblioteka dirba kiekvieną dieną, išskyrus sekmadienį. Knygas galima pasiskolinti vienam"
            " mėnesiui, o vėliau pratęsti terminą telefonu. Pametęs kortelę skaitytojas turi kuo greičiau"
            " apie tai pranešti."
        ),
    ),
    "Latvian": (
        "Līguma pielikums",
        "Rēķins par jūniju vēl nav samaksāts.",
        (
            "Sapulce notiks nākamajā otrdienā pulksten deviņos, jo lielākā daļa no mums jau būs"
            " atgriezušies."
        ),
        (
            "Bibliotēka ir atvērta katru dienu, izņemot svētdienu. Grāmatas var aizņemties uz vienu mēnesi"
            " un pēc tam pagarināt termiņu pa tālruni. Kas pazaudē karti, tam par to jāziņo vadītājam."
        ),
    ),
    "Estonian": (
        "Põhikirja lisa",
        "Juunikuu arve on veel maksmata, palun tasuge see ära.",
        (
            "Koosolek toimub järgmisel teisipäeval kell üheksa, sest enamik meist on siis juba puhkuselt"
            " tagasi."
        ),
        (
            "Raamatukogu on avatud iga päev peale pühapäeva. Raamatuid võib laenutada üheks kuuks ja"
            " hiljem tähtaega telefoni teel pikendada. Kes kaardi kaotab, peab sellest kohe teada andma"
            " juhatajale."
        ),
    ),
    "Thai": (
        "เอกสารแนบท้ายสัญญา",
        "ยังไม่ได้ชำระค่าไฟฟ้าของเดือนมิถุนายน",
        "การประชุมจะจัดขึ้นในวันอังคารหน้าเวลาเก้าโมงเช้า เพราะพวกเราส่วนใหญ่จะกลับมาจากวันหยุดแล้ว",
        (
            "ห้องสมุดเปิดทุกวันยกเว้นวันอาทิตย์ ท่านสามารถยืมหนังสือได้หนึ่งเดือนและต่อเวลาได้ทางโทรศัพท์"
            " ผู้ที่ทำบัตรหายต้องแจ้งให้ผู้จัดการทราบโดยเร็วที่สุด"
        ),
    ),
    "Japanese": (
        "契約書の付属書類",
        "六月分の請求書はまだ支払われていません。",
        "次の会議は来週の火曜日の午前九時に行われます。それまでに資料を読んでおいてください。",
        (
            "図書館は日曜日を除いて毎日開いています。本は一か月借りることができ、その後電話で期間を延ばすこと"
            "もできます。カードをなくした人は、できるだけ早く係の者に知らせてください。"
        ),
    ),
    "Simplified Chinese": (
        "租赁合同附件",
        "六月份的账单还没有支付。",
        "会议将于下周二上午九点举行，因为到那时我们大多数人都已经休假回来了。",
        (
            "图书馆除星期日外每天开放。图书可以借一个月，之后可以通过电话续借。丢失借书证的读者应当尽快通知管理"
            "员，并按照规定办理新的证件。"
        ),
    ),
    "Traditional Chinese": (
        "租賃合約附件",
        "六月份的帳單還沒有支付。",
        "會議將於下週二上午九點舉行，因為到那時我們大多數人都已經休假回來了。",
        (
            "圖書館除星期日外每天開放。圖書可以借一個月，之後可以透過電話續借。遺失借書證的讀者應當盡快通知管理"
            "員，並按照規定辦理新的證件。"
        ),
    ),
    "Korean": (
        "임대 계약서 부속 서류",
        "유월 청구서가 아직 지불되지 않았습니다.",
        "회의는 다음 주 화요일 오전 아홉 시에 열립니다. 그때까지 자료를 읽어 주시기 바랍니다.",
        (
            "도서관은 일요일을 제외하고 매일 문을 엽니다. 책은 한 달 동안 빌릴 수 있고 그 뒤에는 전화로 기간을"
            " 늘릴 수 있습니다. 카드를 잃어버린 사람은 되도록 빨리 담당자에게 알려야 합니다."
        ),
    ),
}


def encoded_texts() -> Iterator[EncodedText]:
    """Every text, and all texts of a language together, in every encoding of the language."""
    for language, texts in TEXTS.items():
        for encoding in ENCODINGS[language].split():
            for text in (*texts, "\n\n".join(texts)):
                yield EncodedText(language, encoding, text, text.encode(encoding))
