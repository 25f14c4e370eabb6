CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE corpus (
	id INTEGER NOT NULL, 
	uuid TEXT NOT NULL, 
	generation INTEGER NOT NULL, 
	created_at_ns INTEGER NOT NULL, 
	ingested_at_ns INTEGER, 
	digest BLOB NOT NULL, embedded INTEGER DEFAULT '0' NOT NULL, labels INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE encoding (
	id INTEGER NOT NULL, 
	model TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	dim INTEGER NOT NULL, 
	max_tokens INTEGER NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE root (
	path BLOB NOT NULL, 
	include TEXT NOT NULL, 
	exclude TEXT NOT NULL, 
	PRIMARY KEY (path)
);

CREATE TABLE document (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	path BLOB NOT NULL, 
	display TEXT NOT NULL, 
	size INTEGER NOT NULL, 
	mtime_ns INTEGER NOT NULL, 
	ctime_ns INTEGER NOT NULL, 
	inode INTEGER NOT NULL, 
	content_hash BLOB NOT NULL, 
	hashed_at_ns INTEGER NOT NULL, 
	is_stale BOOLEAN NOT NULL, 
	source_digest BLOB NOT NULL, 
	type TEXT NOT NULL, 
	title TEXT NOT NULL, 
	metadata TEXT NOT NULL, 
	dated_ns INTEGER NOT NULL, 
	extractor TEXT NOT NULL, 
	splitter TEXT NOT NULL, 
	has_lines BOOLEAN NOT NULL, 
	content_digest BLOB NOT NULL, 
	first_passage_id INTEGER NOT NULL, 
	passages INTEGER NOT NULL, 
	generation INTEGER NOT NULL, 
	UNIQUE (path)
);

CREATE INDEX document_content_hash ON document (content_hash);

CREATE TABLE document_text (
	document_id INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (document_id), 
	FOREIGN KEY(document_id) REFERENCES document (id) ON DELETE CASCADE
);

CREATE TABLE passage (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	document_id INTEGER NOT NULL, 
	start INTEGER NOT NULL, 
	"end" INTEGER NOT NULL, 
	headings TEXT NOT NULL, 
	text_digest BLOB NOT NULL, place TEXT NOT NULL DEFAULT '{}', 
	FOREIGN KEY(document_id) REFERENCES document (id) ON DELETE CASCADE
);

CREATE INDEX passage_document_id ON passage (document_id);

CREATE INDEX passage_text_digest ON passage (text_digest);

CREATE TABLE vectors (
	document_id INTEGER NOT NULL, 
	first_passage_id INTEGER NOT NULL, 
	passages INTEGER NOT NULL, 
	generation INTEGER NOT NULL, 
	digest BLOB NOT NULL, 
	vectors BLOB NOT NULL, 
	PRIMARY KEY (document_id), 
	FOREIGN KEY(document_id) REFERENCES document (id) ON DELETE CASCADE
);

CREATE INDEX vectors_generation ON vectors (generation);

CREATE TABLE tombstone (
	first_passage_id INTEGER NOT NULL, 
	passages INTEGER NOT NULL, 
	generation INTEGER NOT NULL, 
	PRIMARY KEY (first_passage_id)
);

CREATE TABLE published (
	id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	generation INTEGER NOT NULL, 
	digest BLOB NOT NULL, 
	size INTEGER NOT NULL, 
	mtime_ns INTEGER NOT NULL, 
	ctime_ns INTEGER NOT NULL, 
	inode INTEGER NOT NULL, 
	passages INTEGER NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE unindexed (
	path BLOB NOT NULL, 
	outcome TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	files INTEGER NOT NULL, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, inode INTEGER, hashed_at_ns INTEGER, content_hash BLOB, extractor TEXT, 
	PRIMARY KEY (path)
);

CREATE TABLE setting (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);

CREATE TABLE background (
	id INTEGER NOT NULL, 
	scale REAL NOT NULL, 
	mean BLOB NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE tally (
	type TEXT NOT NULL, 
	extractor TEXT NOT NULL, 
	splitter TEXT NOT NULL, 
	documents INTEGER NOT NULL, 
	passages INTEGER NOT NULL, 
	stale INTEGER NOT NULL, 
	ids INTEGER NOT NULL, 
	PRIMARY KEY (type, extractor, splitter)
);

CREATE TRIGGER document_added AFTER INSERT ON document BEGIN 
    INSERT INTO tally (type, extractor, splitter, documents, passages, stale, ids)
    VALUES (new.type, new.extractor, new.splitter, 1, new.passages, new.is_stale, new.id)
    ON CONFLICT (type, extractor, splitter) DO UPDATE SET
        documents = documents + 1, passages = passages + excluded.passages, stale = stale + excluded.stale, ids = ids + excluded.ids; END;

CREATE TRIGGER document_removed AFTER DELETE ON document BEGIN 
    UPDATE tally SET documents = documents - 1, passages = passages - old.passages, stale = stale - old.is_stale, ids = ids - old.id
    WHERE type = old.type AND extractor = old.extractor AND splitter = old.splitter;
    DELETE FROM tally WHERE documents = 0; END;

CREATE TRIGGER document_changed AFTER UPDATE OF id, type, extractor, splitter, passages, is_stale ON document BEGIN 
    UPDATE tally SET documents = documents - 1, passages = passages - old.passages, stale = stale - old.is_stale, ids = ids - old.id
    WHERE type = old.type AND extractor = old.extractor AND splitter = old.splitter;
    DELETE FROM tally WHERE documents = 0;
    INSERT INTO tally (type, extractor, splitter, documents, passages, stale, ids)
    VALUES (new.type, new.extractor, new.splitter, 1, new.passages, new.is_stale, new.id)
    ON CONFLICT (type, extractor, splitter) DO UPDATE SET
        documents = documents + 1, passages = passages + excluded.passages, stale = stale + excluded.stale, ids = ids + excluded.ids; END;

CREATE TRIGGER vectors_added AFTER INSERT ON vectors BEGIN UPDATE corpus SET embedded = embedded + 1; END;

CREATE TRIGGER vectors_removed AFTER DELETE ON vectors BEGIN UPDATE corpus SET embedded = embedded - 1; END;

CREATE TABLE label (
	document_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	origin TEXT NOT NULL, 
	probability REAL, 
	digest BLOB NOT NULL, 
	PRIMARY KEY (document_id, name), 
	FOREIGN KEY(document_id) REFERENCES document (id) ON DELETE CASCADE
);

CREATE INDEX label_name ON label (name);

CREATE TRIGGER label_added AFTER INSERT ON label BEGIN UPDATE corpus SET labels = labels + 1; END;

CREATE TRIGGER label_removed AFTER DELETE ON label BEGIN UPDATE corpus SET labels = labels - 1; END;

CREATE VIRTUAL TABLE keywords USING fts5(title, headings, body, name, forms, content='', tokenize='porter unicode61 remove_diacritics 2');

CREATE TABLE vocabulary (word TEXT NOT NULL, written TEXT NOT NULL, passages INTEGER NOT NULL, PRIMARY KEY (word, written)) WITHOUT ROWID;

CREATE TABLE exclusion (
	path BLOB NOT NULL, 
	PRIMARY KEY (path)
);

CREATE TABLE stemmed_language (language TEXT NOT NULL, PRIMARY KEY (language)) WITHOUT ROWID;
