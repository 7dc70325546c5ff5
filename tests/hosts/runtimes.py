"""The runtimes of docs/languages.md, and the programs for them in tests/hosts/languages: NAME.* is a
writer, NAME_values.* binds and reads values of each type."""

from hosting import HOSTS, PYTHON, ROOT, SO, find_program, from_npm

LANGUAGES = ROOT / "tests" / "hosts" / "languages"
PAGE = ROOT / "docs" / "languages.md"
NAMES = ("shell", "python", "node", "perl", "ruby", "tcl", "php", "bun", "deno")
DENO_RIGHTS = ["--allow-read", "--allow-write", "--allow-env", "--allow-ffi"]


def program(name, suffix=""):
    """The file of a runtime's program: the writer, or with suffix "_values" the other."""
    [path] = LANGUAGES.glob(f"{name}{suffix}.*")
    return path


def command(name, path):
    """What runs the program at `path`. What is absent is a failure."""
    if name == "node":  # it finds better-sqlite3 beside itself
        path = from_npm(HOSTS, [path]) / path.name
    elif name in ("bun", "deno"):
        binary = from_npm(LANGUAGES) / "node_modules" / ".bin" / name
        return [binary, *(["run", *DENO_RIGHTS] if name == "deno" else []), path]
    runner = {"shell": ["sh"], "python": [PYTHON], "tcl": ["tclsh"],
              "php": ["php", "-d", f"sqlite3.extension_dir={SO.parent}"]}.get(name, [name])
    return [find_program(runner[0]), *runner[1:], path]
