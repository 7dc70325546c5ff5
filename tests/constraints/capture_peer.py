"""A peer whose tables are captured: an application's connections, one of them in use at a time."""

from peer import SqlPeer
from shadow import result_of


class CapturePeer(SqlPeer):
    """`pragmas`: of each of its connections. A file has two, and `handle` is the one in use."""

    def __init__(self, peer_id, kind, folder, trace, pragmas):
        self.pragmas = pragmas
        self.handle = 0
        super().__init__(peer_id, kind, folder, trace)

    def _connect(self, content=None):
        db = super()._connect(content)
        for name, value in self.pragmas.items():
            db.execute(f"PRAGMA {name} = {value}")
        return db

    def run(self, sql, arguments=(), handle=None):
        return super().run(sql, arguments, self.handle if handle is None else handle)

    def read(self, sql, arguments=()):
        return self._handle(self.handle).execute(sql, arguments).fetchall()

    def track(self, table):
        for sql in table.setup_sql(mode="capture"):
            self.run(sql)

    def statement(self, sql, has_rowid):
        """Runs a statement of the application; see shadow.result_of."""
        if self.trace:
            print(f"[{self.id}.{self.handle}] {sql}", flush=True)
        return result_of(self._handle(self.handle), sql, has_rowid)

    def refresh(self):
        self.run("SELECT replic_refresh()")
