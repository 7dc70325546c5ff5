"""What must hold of one peer, of one local write, and of peers that have received the same."""

import json

from wire import Patch, fold, read_message


class Broken(AssertionError):
    """A property does not hold. `kind` tells one sort of failure from another while shrinking."""

    def __init__(self, kind, text):
        super().__init__(f"[{kind}] {text}")
        self.kind = kind


def _difference(expected, actual):
    expected, actual = set(expected), set(actual)
    lines = [f"    expected, not there: {item}" for item in sorted(expected - actual, key=repr)]
    lines += [f"    there, not expected: {item}" for item in sorted(actual - expected, key=repr)]
    return "\n".join(lines) or "    (the same items, another number of times)"


def _must_equal(kind, peer, what, expected, actual, received=()):
    expected, actual = sorted(expected, key=repr), sorted(actual, key=repr)
    expected, actual = list(map(repr, expected)), list(map(repr, actual))  # 1, 1.0 and '1' differ
    if expected != actual:
        texts = "".join(f"    {text}\n" for text in received)
        raise Broken(kind, f"peer {peer.id}: {what}\n{_difference(expected, actual)}"
                     + (f"\n  received or written:\n{texts}" if received else ""))


def check_peer(peer, expected, received, schema, knows_only_received=True):
    """The peer shows what the oracle expects, lists what it lacks, finds no fault with itself.

    `knows_only_received`: nobody has told it of patches that it has not received.
    """
    for table in schema.tables.values():
        _must_equal("rows", peer, f"table {table.name}", expected.rows[table.name],
                    peer.rows(table.name, [c.name for c in table.columns]), received)
    _must_equal("pending", peer, "replic_pending",
                {(fold(tab), *rest) for tab, *rest in expected.pending},
                [(fold(row[0]), *row[1:4]) for row in peer.pending()], received)
    _must_equal("vector", peer, "replic_vector", expected.vector.items(), peer.vector().items())
    if knows_only_received:
        _must_equal("missing", peer, "replic_missing", _gaps(expected.vector), peer.missing())
    _must_equal("check", peer, "replic_check", [], peer.problems(), received)
    _check_changes(peer, received, schema, expected)


def _gaps(vector):
    """(peer, first, last) of the seqs below the greatest received that are not there."""
    gaps = []
    for peer, ranges in vector.items():
        next_seq = 1
        for first, last in ranges:
            if next_seq < first:
                gaps.append((peer, next_seq, first - 1))
            next_seq = last + 1
    return gaps


def _check_changes(peer, received, schema, expected):
    """All content is exported whole and once; its reason is NULL if nothing of it is parked."""
    changes = peer.changes()
    _must_equal("changes", peer, "content of replic_changes",
                [_shown(key) for key in {schema.same_content_key(read_message(text))
                                         for text in received}],
                [_shown(schema.same_content_key(read_message(row[2]))) for row in changes])
    parked = {entry[1:3] for entry in expected.pending}
    told = {(p, seq) for p, seq, _, reason in changes if reason is not None}
    _must_equal("reason", peer, "(peer, seq) with a reason in replic_changes", parked, told)


def _shown(content_key):
    return content_key[:4] + tuple(sorted(((n, v) for n, _, v in content_key[4]), key=repr))


def check_local_patch(run, i, table_name, values, text, error):
    """A local write fails if and only if it breaks a constraint, on what is visible and waits.

    `text` is the message that replic_patch returned, or `error` what it raised.
    """
    peer, table = run.peers[i], run.schema(i).table(table_name)
    own_seq, newest = run.last_own_seq(i) + 1, run.newest_stamp(i)
    sets_null = any(value is None for value in values.values())
    if error is not None:
        if sets_null and not table.spec.log_has_nulls:
            return
        for filled in (values, _with_expression_defaults(table, values)):
            patch = Patch(peer.id, own_seq, newest[0] + 1, 1, table.name, filled)
            if (peer.id, own_seq) not in run.expected(i, [patch]).accepted:
                return
        raise Broken("refused", f"peer {peer.id}: {values} on {table.name} is legal, but: {error}")

    if text is None:
        raise Broken("message", f"peer {peer.id}: replic_patch returned NULL outside a transaction")
    patch = read_message(text)
    if (patch.peer, patch.seq, fold(patch.tab)) != (peer.id, own_seq, fold(table.name)):
        raise Broken("message", f"peer {peer.id}: seq {own_seq} expected, the message is {text}")
    if patch.stamp <= newest:
        raise Broken("stamp", f"peer {peer.id}: {text} is not newer than {newest}")
    _check_values(peer, table, values, patch, text)
    if (peer.id, own_seq) not in run.expected(i, [text]).accepted:
        raise Broken("accepted", f"peer {peer.id}: {text} breaks a constraint, yet it succeeded")


def _with_expression_defaults(table, values):
    """The patch as it is for a new row: the writer evaluates the DEFAULT of what is omitted."""
    filled = dict(values)
    given = {fold(name) for name in values}
    for column in table.columns:
        if column.has_expression_default and not column.is_generated \
                and fold(column.wire_name) not in given:
            filled[column.wire_name] = "evaluated"
    return filled


def _check_values(peer, table, values, patch, text):
    def stored(items):
        return {fold(n): table.after_affinity(n, v) for n, v in items.items()}

    asked, sent = stored(values), stored(patch.values)
    extra = {name for name in sent.keys() - asked.keys()
             if not table.column(name).has_expression_default}
    if extra or any(repr(sent.get(n, "absent")) != repr(v) for n, v in asked.items()):
        raise Broken("message", f"peer {peer.id}: {values} became {text}")


def check_agreement(peers, tables, schema):
    """Peers that have received the same show the same."""
    def picture(peer):
        shown = {}
        for name in tables:
            columns = [c.name for c in schema.table(name).columns]
            shown[name] = sorted(peer.rows(name, columns), key=repr)
        pending = sorted((json.dumps(row, sort_keys=True) for row in peer.pending()))
        return {"tables": repr(shown), "pending": pending, "vector": peer.vector(),
                "missing": peer.missing(), "digest": peer.digest()}

    first = picture(peers[0])
    if first["missing"]:
        raise Broken("healed", f"peer {peers[0].id} still misses {first['missing']}")
    for peer in peers[1:]:
        other = picture(peer)
        for what, value in first.items():
            if other[what] != value:
                raise Broken("agree-" + what, f"{what} of peer {peers[0].id} and peer {peer.id}:\n"
                             f"    {value}\n    {other[what]}")
