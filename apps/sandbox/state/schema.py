"""The sandbox's tables. Times are ISO 8601 texts in UTC with seconds and a Z, so that they sort as text."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER NOT NULL);
INSERT OR IGNORE INTO counter VALUES (1, 0);

CREATE TABLE IF NOT EXISTS users (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, upn TEXT NOT NULL UNIQUE COLLATE NOCASE,
    is_admin INTEGER NOT NULL DEFAULT 0, doc BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS groups (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, doc BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS members (
    group_id TEXT NOT NULL, user_id TEXT NOT NULL, PRIMARY KEY (group_id, user_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS skus (position INTEGER PRIMARY KEY, doc BLOB NOT NULL);

CREATE TABLE IF NOT EXISTS apps (client_id TEXT PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS consents (client_id TEXT PRIMARY KEY, roles TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS mailboxes (
    id INTEGER PRIMARY KEY, user_id TEXT NOT NULL UNIQUE, purpose TEXT NOT NULL, language TEXT NOT NULL,
    generation INTEGER NOT NULL DEFAULT 150, over_quota INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS folders (
    id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER NOT NULL, parent INTEGER, name TEXT NOT NULL,
    well_known TEXT,
    hidden INTEGER NOT NULL DEFAULT 0, seq INTEGER NOT NULL,
    total INTEGER NOT NULL DEFAULT 0, unread INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS folders_by_parent ON folders (mailbox, parent);
CREATE TABLE IF NOT EXISTS folder_removals (
    seq INTEGER PRIMARY KEY, mailbox INTEGER NOT NULL, parent INTEGER, folder INTEGER NOT NULL);

CREATE TABLE IF NOT EXISTS mime (id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER NOT NULL, folder INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1, seq INTEGER NOT NULL, content_seq INTEGER NOT NULL,
    arrived_seq INTEGER NOT NULL, received TEXT NOT NULL, sent TEXT NOT NULL, created TEXT NOT NULL,
    modified TEXT NOT NULL, is_read INTEGER NOT NULL, is_draft INTEGER NOT NULL,
    has_attachments INTEGER NOT NULL, importance TEXT NOT NULL, subject TEXT, internet_id TEXT,
    conversation TEXT NOT NULL, sender TEXT, size INTEGER NOT NULL, mime INTEGER,
    flag TEXT, categories TEXT, props BLOB NOT NULL, content BLOB);
CREATE INDEX IF NOT EXISTS messages_by_change ON messages (folder, seq);
CREATE INDEX IF NOT EXISTS messages_by_time ON messages (folder, received, id);
CREATE INDEX IF NOT EXISTS messages_by_mailbox ON messages (mailbox, received, id);
CREATE INDEX IF NOT EXISTS messages_by_internet_id ON messages (mailbox, internet_id);
CREATE TABLE IF NOT EXISTS removals (
    seq INTEGER PRIMARY KEY, folder INTEGER NOT NULL, message INTEGER NOT NULL, version INTEGER NOT NULL,
    reason TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS removals_by_folder ON removals (folder, seq);
CREATE TABLE IF NOT EXISTS attachments (
    message INTEGER NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT, content_type TEXT,
    is_inline INTEGER NOT NULL, content_id TEXT, size INTEGER NOT NULL, modified TEXT NOT NULL,
    doc BLOB, data BLOB NOT NULL, PRIMARY KEY (message, number));
CREATE TABLE IF NOT EXISTS extended (
    message INTEGER NOT NULL, tag TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (message, tag)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS extended_by_value ON extended (tag, value);

CREATE TABLE IF NOT EXISTS thing_folders (
    id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER NOT NULL, kind TEXT NOT NULL, parent INTEGER,
    name TEXT NOT NULL, well_known TEXT NOT NULL DEFAULT '', seq INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS thing_folders_by_mailbox ON thing_folders (mailbox, kind, parent);
CREATE TABLE IF NOT EXISTS thing_folder_removals (
    seq INTEGER PRIMARY KEY, mailbox INTEGER NOT NULL, kind TEXT NOT NULL, folder INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS things (
    id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER NOT NULL, kind TEXT NOT NULL, folder INTEGER NOT NULL,
    seq INTEGER NOT NULL, created TEXT NOT NULL, modified TEXT NOT NULL, doc BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS things_by_change ON things (folder, seq);
CREATE INDEX IF NOT EXISTS things_by_mailbox ON things (mailbox, kind);
CREATE TABLE IF NOT EXISTS thing_removals (
    seq INTEGER PRIMARY KEY, folder INTEGER NOT NULL, thing INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS thing_removals_by_folder ON thing_removals (folder, seq);
CREATE TABLE IF NOT EXISTS thing_files (
    thing INTEGER NOT NULL, number INTEGER NOT NULL, role TEXT NOT NULL, modified TEXT NOT NULL,
    doc BLOB NOT NULL, data BLOB NOT NULL, PRIMARY KEY (thing, number));
CREATE TABLE IF NOT EXISTS thing_values (
    thing INTEGER NOT NULL, tag TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (thing, tag)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS thing_values_by_value ON thing_values (tag, value);
CREATE TABLE IF NOT EXISTS thing_extensions (
    thing INTEGER NOT NULL, name TEXT NOT NULL, doc BLOB NOT NULL, PRIMARY KEY (thing, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
    people TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS thing_gone AFTER DELETE ON things BEGIN
    DELETE FROM thing_files WHERE thing = OLD.id; DELETE FROM thing_values WHERE thing = OLD.id;
    DELETE FROM thing_extensions WHERE thing = OLD.id; END;

CREATE TRIGGER IF NOT EXISTS count_new AFTER INSERT ON messages BEGIN
    UPDATE folders SET total = total + 1, unread = unread + (NEW.is_read = 0) WHERE id = NEW.folder; END;
CREATE TRIGGER IF NOT EXISTS count_gone AFTER DELETE ON messages BEGIN
    UPDATE folders SET total = total - 1, unread = unread - (OLD.is_read = 0) WHERE id = OLD.folder;
    DELETE FROM attachments WHERE message = OLD.id; DELETE FROM extended WHERE message = OLD.id; END;
CREATE TRIGGER IF NOT EXISTS count_moved AFTER UPDATE OF folder, is_read ON messages
    WHEN OLD.folder <> NEW.folder OR OLD.is_read <> NEW.is_read BEGIN
    UPDATE folders SET total = total - 1, unread = unread - (OLD.is_read = 0) WHERE id = OLD.folder;
    UPDATE folders SET total = total + 1, unread = unread + (NEW.is_read = 0) WHERE id = NEW.folder; END;
"""

TABLES = (
    "users", "groups", "members", "skus", "apps", "consents", "mailboxes", "folders", "folder_removals",
    "mime", "messages", "removals", "attachments", "extended", "thing_folders", "thing_folder_removals",
    "things", "thing_removals", "thing_files", "thing_values", "thing_extensions", "notices",
)  # fmt: skip
