from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from pytest_qacloud.errors import ConfigError, LeaseError
from pytest_qacloud.leasing import SqlLeaseStore, database, default_url, schema
from pytest_qacloud.leasing.database import Database
from pytest_qacloud.model import Claim

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

CLAIM = Claim(("rack1",), "ann", "bvt", 300.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "qacloud" / "leases.db"


@pytest.fixture
def opened(path: Path) -> Database:
    return Database(f"sqlite:///{path}")


def _described(connection: Connection) -> tuple[list[str], list[str]]:
    """The statements that make a database's tables and indices, without their layout, and the revisions it is at."""
    made = connection.execute(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")).scalars()
    revisions = connection.execute(text("SELECT version_num FROM alembic_version")).scalars()
    return sorted("".join(statement.split()) for statement in made), list(revisions)


def test_the_default_is_in_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QACLOUD_STATE_DIR", str(tmp_path / "mine"))
    assert default_url() == f"sqlite:///{tmp_path}/mine/leases.db"
    assert SqlLeaseStore().leases() == []
    assert (tmp_path / "mine" / "leases.db").exists()


def test_nothing_is_made_before_it_is_used(opened: Database, path: Path) -> None:
    assert not path.parent.parent.exists()


def test_folder_and_files_are_private(opened: Database, path: Path) -> None:
    with opened.writing() as connection:
        connection.execute(text("INSERT INTO pools VALUES ('rack1', 1)"))
        assert path.parent.stat().st_mode & 0o777 == 0o700
        modes = {file.name: oct(file.stat().st_mode & 0o777) for file in path.parent.iterdir()}
    assert {"leases.db", "leases.db-wal"} <= modes.keys()
    assert set(modes.values()) == {"0o600"}


def test_permissions_that_somebody_chose_stay(opened: Database, path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()
    path.chmod(0o660)
    with opened.reading():
        pass
    assert path.stat().st_mode & 0o777 == 0o660


def test_a_commit_is_on_the_disk_and_readers_wait_for_nobody(opened: Database) -> None:
    with opened.reading() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        full = 2
        assert connection.execute(text("PRAGMA synchronous")).scalar() == full
    with opened.writing(), opened.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM leases")).scalar() == 0


def test_writers_are_alone_from_the_first_statement_on(
    opened: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_S", 0.05)
    with (
        opened.writing(),
        pytest.raises(LeaseError, match="held by another process"),
        Database(f"sqlite:///{path}").writing(),
    ):
        pass


def test_an_error_leaves_nothing_behind(opened: Database) -> None:
    def fail() -> None:
        with opened.writing() as connection:
            connection.execute(text("INSERT INTO pools VALUES ('rack1', 1)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with opened.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM pools")).scalar() == 0


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("leases.db", "not a URL"),
        ("sqlite://", "give a file"),
        ("sqlite:///:memory:", "give a file"),
        ("mysql://ann:secret@db/leases", r"mysql://ann:\*\*\*@db/leases is not supported"),
    ],
)
def test_other_urls_are_refused(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        Database(url)
    assert "secret" not in str(refused.value)


def test_a_file_that_is_no_database_is_told(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with pytest.raises(LeaseError, match=r"leases\.db is damaged .* move it away"):
        SqlLeaseStore(f"sqlite:///{path}").leases()
    assert path.read_bytes().startswith(b"no database")


def test_a_database_damaged_in_the_middle_is_told(path: Path) -> None:
    store = SqlLeaseStore(f"sqlite:///{path}")
    store.withdraw(store.enqueue(CLAIM))
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(LeaseError, match="is damaged"):
        SqlLeaseStore(f"sqlite:///{path}").enqueue(CLAIM)
    assert list(path.parent.glob("*.locks/*")) == []


def test_a_database_that_was_removed_is_told_and_not_made_anew(path: Path) -> None:
    store = SqlLeaseStore(f"sqlite:///{path}")
    store.withdraw(store.enqueue(CLAIM))
    path.unlink()
    with pytest.raises(LeaseError, match="cannot be used"):
        store.enqueue(CLAIM)
    assert not path.exists()


def test_a_path_may_hold_what_a_uri_may_not(tmp_path: Path) -> None:
    folder = tmp_path / "100% mine #1"
    assert SqlLeaseStore(f"sqlite:///{folder}/leases.db").leases() == []
    assert (folder / "leases.db").is_file()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LeaseError, match="cannot be used"):
        SqlLeaseStore(f"sqlite:///{tmp_path}/file/leases.db").leases()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(opened: Database, path: Path) -> None:
    with opened.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    before = path.read_bytes()
    with pytest.raises(LeaseError, match=r"has schema 9999, and this pytest-qacloud knows up to .* Upgrade"):
        SqlLeaseStore(f"sqlite:///{path}").leases()
    assert path.read_bytes() == before


def test_the_migrations_make_the_tables_that_the_code_uses() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        schema.migrate(connection)
        assert compare_metadata(MigrationContext.configure(connection), schema.METADATA) == []
    engine.dispose()


def test_an_empty_database_is_made_as_the_migrations_make_it(opened: Database) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as migrated, opened.reading() as fresh:
        schema.migrate(migrated)
        assert _described(fresh) == _described(migrated)
    engine.dispose()


def test_a_database_without_revisions_is_migrated(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    assert SqlLeaseStore(f"sqlite:///{path}").leases() == []


def test_the_known_revisions_are_those_that_there_are() -> None:
    config = Config()
    config.set_main_option("script_location", "pytest_qacloud.leasing:migrations")
    scripts = ScriptDirectory.from_config(config)
    assert tuple(script.revision for script in reversed(list(scripts.walk_revisions()))) == schema.REVISIONS


def test_neither_a_new_nor_a_current_database_needs_alembic(path: Path) -> None:
    program = (
        "import sys\n"
        "from pytest_qacloud.leasing import SqlLeaseStore\n"
        "assert SqlLeaseStore(sys.argv[1]).leases() == []\n"
        "assert 'sqlalchemy' in sys.modules and 'alembic' not in sys.modules\n"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", program, f"sqlite:///{path}"], check=True)


def test_processes_that_come_first_together_make_one_database(path: Path) -> None:
    program = (
        "import sys\n"
        "from pytest_qacloud.leasing import SqlLeaseStore\n"
        "from pytest_qacloud.model import Claim\n"
        "SqlLeaseStore(sys.argv[1]).enqueue(Claim(('rack1',), 'ann', '', 300.0))\n"
    )
    command = [sys.executable, "-c", program, f"sqlite:///{path}"]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in processes] == [0] * 3
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM tickets").fetchone() == (3,)


def test_several_databases_may_be_made_at_once(tmp_path: Path) -> None:
    stores = [SqlLeaseStore(f"sqlite:///{tmp_path}/{number}.db") for number in range(4)]

    with ThreadPoolExecutor(len(stores)) as threads:
        assert list(threads.map(SqlLeaseStore.leases, stores)) == [[]] * len(stores)
