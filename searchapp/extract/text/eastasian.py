"""Chinese, Japanese and Korean bytes to text, where one of their encodings fits and no other nearly
as well.

Their encodings share their bytes: what is a frequent character in one is a valid, rare one in the
others. Frequent characters therefore decide, and a few of them are enough even for a text of one
line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SPACED = re.compile(r"[^\x00-\x7f] (?=[^\x00-\x7f])")
_SAMPLE = 5000  # characters that are judged
_LEAST_FREQUENT = 3  # of the frequent characters that a text must have
_LEAST_SCORE = 0.5
_LEAST_LEAD = 0.2  # of the best score over the next

_SIMPLIFIED = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如"
    "都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间"
    "由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名"
    "真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便"
    "空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识"
)
_TRADITIONAL = (
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作里用道行所然家種事成方多經麼去法學如"
    "都同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實日軍者意無力它與長把機十民第公此已工使情明性知全三又關點正業外將兩高間"
    "由問很最重並物手應戰向頭文體政美相見被利什二等產或新己制身果加西斯月話合回特代內信表化老給世位次度門任常先海通教兒原東聲提立及比員解水名"
    "真論處走義各入幾口認條平系氣題活爾更別打女變四神總何電數安少報才結反受目太量再感建務做接必場件計管期市直德資命山金指克許統區保至隊形社便"
    "空決治展馬科司五基眼書非則聽白卻界達光放強即像難且權思王象完設式色路記南品住告類求據程北邊死張該交規萬取拉格望覺術領共確傳師觀清今切院讓識"
)
_JAPANESE = (
    "日一国人年大十二本中長出三時行見月後前生五間上東四今金九入学高円子外八六下来気小七山話女北午百書先名川千水半男西電校語土木聞食車何南"
    "万毎白天母火右読友左休父雨会同事自社発者地業方新場員立開手力問代明動京目通言理体田主題意不作用度強公持野以思家世多正安院心界教文元重近考"
    "画海売知道集別物使品計死特私始朝運終台広住真有口少町料工建空急止送切転研足究楽起着店病質待試族銀早親験英医味写字答夜音注古歌買図週室歩風"
    "紙黒花春赤青館屋色走政議民連対部合市内相定回選米実関決全表戦経最現調化当約首法性的要制治務成期取都和機平加受続進数記初指権支産点報済活原共"
    "得解交資予向際勝面告反判認参利組信在件側任引求所次論官増係感情投示変打直両式確果容必演能位置流格過局放常状職与供役構割費付由説難収断石消神番規"
)
_KOREAN = (
    "이다는을가고에의하지한사은를도로자대어서기나인리있아시들해그정것수일보라전주상장안부스구제원과화공여만중성동생관계연유국경조모신세소방문진미무비회"
    "학교선개적오우마으니면게거까요려러네데와바트드디분내위음말때없년월두된할될했었겠습합입당너저야며금물식업산명실용품등민법권행운력발결각본반단달살간감"
    "강건검격집던런같않으며녕글색차레터크프카타파포피호후히통특추출치체최초"
)


@dataclass(frozen=True, slots=True)
class _Script:
    """An encoding, the frequent characters of its language, and the older set whose lead bytes hold
    the common ones.
    """

    encoding: str
    frequent: frozenset[str]
    older: str
    common: tuple[int, int]  # lead bytes in the older set, both inclusive
    has_kana: bool = False
    has_spaces: bool = False  # between words


_SCRIPTS = (
    _Script("cp932", frozenset(_JAPANESE), "euc_jp", (0xB0, 0xCF), has_kana=True),
    _Script("euc_jp", frozenset(_JAPANESE), "euc_jp", (0xB0, 0xCF), has_kana=True),
    _Script("gb18030", frozenset(_SIMPLIFIED), "gb2312", (0xB0, 0xD7)),
    _Script("big5", frozenset(_TRADITIONAL), "big5", (0xA4, 0xC6)),
    _Script("cp949", frozenset(_KOREAN), "euc_kr", (0xB0, 0xC8), has_spaces=True),
)


def east_asian_text(data: bytes) -> str:
    """The text in the one East Asian encoding that fits; "" where none does, or several do."""
    found: list[tuple[float, str]] = []
    for script in _SCRIPTS:
        try:
            text = data.decode(script.encoding)
        except UnicodeDecodeError:
            continue
        found.append((_score(text[:_SAMPLE], script), text))
    found.sort(key=lambda each: -each[0])
    if not found or found[0][0] < _LEAST_SCORE:
        return ""
    return found[0][1] if len(found) == 1 or found[0][0] - found[1][0] >= _LEAST_LEAD else ""


def _score(text: str, script: _Script) -> float:
    """How plausible a text is in a script, at most 1: the mean over its letters beyond ASCII; 0
    where too few are frequent.
    """
    letters = [
        letter
        for letter in text
        if not letter.isascii() and (letter.isalpha() or not letter.isprintable())
    ]
    if not script.has_spaces and len(_SPACED.findall(text)) > len(letters) / 4:
        return 0.0  # short words of an alphabet, two letters read as one
    values = {letter: _value(letter, script) for letter in set(letters)}
    frequent = sum(values[letter] >= 0.5 for letter in letters)
    return (
        sum(values[letter] for letter in letters) / len(letters)
        if frequent >= _LEAST_FREQUENT
        else 0.0
    )


def _value(letter: str, script: _Script) -> float:
    if letter in script.frequent:
        return 1.0
    if "ぁ" <= letter <= "ヿ":
        return 0.7 if script.has_kana else -0.5
    if not letter.isprintable() or not ("㐀" <= letter <= "鿿" or "가" <= letter <= "힣"):
        return -0.5
    try:
        lead = letter.encode(script.older)[0]
    except UnicodeEncodeError:
        return -0.5
    return 0.15 if script.common[0] <= lead <= script.common[1] else -0.1
