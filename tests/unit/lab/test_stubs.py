from __future__ import annotations

from deploy.lab import stubs
from deploy.lab.stubs import Library, Symbol

# of `readelf --wide --dynamic --version-info --dyn-syms`, shortened
READELF = """
Dynamic section at offset 0x2d88 contains 28 entries:
  Tag        Type                         Name/Value
 0x0000000000000001 (NEEDED)             Shared library: [libcublas.so.13]
 0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]

Symbol table '.dynsym' contains 6 entries:
   Num:    Value          Size Type    Bind   Vis      Ndx Name
     0: 0000000000000000     0 NOTYPE  LOCAL  DEFAULT  UND
     1: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND cublasCreate_v2@libcublas.so.13 (4)
     2: 0000000000000000     0 NOTYPE  WEAK   DEFAULT  UND __gmon_start__
     3: 0000000000000000     0 OBJECT  GLOBAL DEFAULT  UND table
     4: 0000000000000000     0 NOTYPE  GLOBAL DEFAULT  UND _ZTIN3c105ErrorE
     5: 0000000000001139    11 FUNC    GLOBAL DEFAULT   14 run@@OWN_1

Version needs section '.gnu.version_r' contains 1 entry:
 Addr: 0x0000000000000508  Offset: 0x000508  Link: 6 (.dynstr)
  000000: Version: 1  File: libcublas.so.13  Cnt: 1
  0x0010:   Name: libcublas.so.13  Flags: none  Version: 4
"""


def test_a_library_says_what_it_wants_and_gives() -> None:
    assert stubs.parsed(READELF) == Library(
        needed=("libcublas.so.13", "libc.so.6"),
        wants=frozenset(
            {
                Symbol("cublasCreate_v2", "libcublas.so.13", data=False),
                Symbol("table", None, data=True),
                Symbol("_ZTIN3c105ErrorE", None, data=True),
            }
        ),
        gives=frozenset({"run"}),
        versions={"libcublas.so.13": "libcublas.so.13"},
    )


def test_a_stub_has_what_nothing_else_gives() -> None:
    user = Library(
        needed=("liba.so", "libb.so.1"),
        wants=frozenset(
            {
                Symbol("there", None, data=False),
                Symbol("gone", None, data=False),
                Symbol("b", "B", data=False),
            }
        ),
        versions={"B": "libb.so.1"},
    )
    other = Library(gives=frozenset({"there", "b"}))

    assert stubs.missing([user, other], ["liba.so", "libb.so.1", "libc.so"]) == {
        "liba.so": {Symbol("gone", None, data=False)},
        "libb.so.1": {Symbol("b", "B", data=False)},
        "libc.so": set(),
    }


def test_a_stub_says_what_was_called_and_answers_where_it_must() -> None:
    symbols = [
        Symbol("run", "V1", data=False),
        Symbol("checker", None, data=False),
        Symbol("_ZN1AC1Eb", None, data=False),
        Symbol("table", None, data=True),
        Symbol("_ZTI1A", None, data=True),
    ]

    text = stubs.source("liba.so", symbols, ["checker", "_ZN1AC1Eb"])

    assert text.splitlines()[-5:] == [
        "void _ZN1AC1Eb(void **self) { self[0] = table + 2; }",
        'void *_ZTI1A[] = { _ZTVN10__cxxabiv117__class_type_infoE + 16, "1A" };',
        "void *checker(void) { return room; }",
        r'void run(void) { fputs("liba.so, a stub: run was called\n", stderr); abort(); }',
        "char table[4096];",
    ]
    assert stubs.versions(symbols) == "V1 { global: *; };\n"
