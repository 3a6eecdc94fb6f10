#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lanyardctl decode: rows of its own, and the vectors of the content formats where there are any.
# Environment: BUILD (build), VECTORS (a folder with more of them).
set -u
cd "$(dirname "$0")/../.." || exit 2
exec /usr/bin/python3 - "$(realpath "${BUILD:-build}")/bin/lanyardctl" <<'PY'
import functools, glob, json, os, re, subprocess, sys, tempfile

program = sys.argv[1]
passed = failed = 0


def check(good, what, detail=''):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f'FAILED: {what}  {detail}')


def decode(*words, stdin=''):
    r = subprocess.run([program, 'decode', *words], input=stdin, capture_output=True, text=True,
                       env={'LANYARD_SOCKET': '/nonexistent'})
    return r.returncode, r.stdout, r.stderr


# words, exit status, output, a part of the reason
LINE = '{"path":"%s","type":"%s","value":%s}\n'
ROWS = [
    ('integer', ['tlv', '/3/0/9', 'c10950'], 0, LINE % ('/3/0/9', 'integer', '80')),
    ('attributes', ['attributes', '/3/0/9', '--text', 'pmin=10&gt=2.5&lt='], 0,
     '{"path":"/3/0/9","type":"attributes","value":{"pmin":10,"gt":2.5,"lt":null}}\n'),
    ('wrong ones', ['attributes', '/3/0/9', '--text', 'pmin=x'], 1, '', 'pmin'),
    ('link format by its long name', ['link-format', '/', '--text', '</3/0>'], 0,
     LINE % ('/3/0', 'link', '{}')),
    ('by number', ['11542', '/3/0', 'C1 09\t50'], 0, LINE % ('/3/0/9', 'integer', '80')),
    ('an old number', ['1542', '3/0', 'c10950'], 0, LINE % ('/3/0/9', 'integer', '80')),
    ('a string with a NUL', ['tlv', '/3/0/0', 'c3001b2200'], 1,
     '{"path":"/3/0/0","type":"string","error":"the value does not fit the type","raw_hex":"1b2200"}\n',
     '1 of 1 values do not fit'),
    ('one that fits and one that does not', ['tlv', '/3/0', 'c10950c30a000000'], 1,
     LINE % ('/3/0/9', 'integer', '80') +
     '{"path":"/3/0/10","type":"integer","error":"the value does not fit the type","raw_hex":"000000"}\n',
     '1 of 2 values do not fit'),
    ('a string that is safe to look at', ['tlv', '/3/0/0', 'c3001b2209'], 0,
     LINE % ('/3/0/0', 'string', r'"\u001b\"\u0009"')),
    ('opaque in hex', ['opaque', '/5/0/0', '00ff'], 0, LINE % ('/5/0/0', 'opaque', '"00ff"')),
    ('nothing', ['opaque', '/5/0/0', ''], 0, LINE % ('/5/0/0', 'opaque', '""')),
    ('a float', ['tlv', '/3303/0/5700', 'e4164441a80000'], 0, LINE % ('/3303/0/5700', 'float', '21')),
    ('a fraction', ['text', '/3303/0/5700', '0.1', '--text'], 0, LINE % ('/3303/0/5700', 'float', '0.1')),
    ('infinity', ['tlv', '/3303/0/5700', 'e41644ff800000'], 0, LINE % ('/3303/0/5700', 'float', '"-inf"')),
    ('53 bits', ['text', '/1/0/1', '--text', '--', '-9007199254740992'], 0,
     LINE % ('/1/0/1', 'integer', '-9007199254740992')),
    ('more', ['text', '/1/0/1', '--text', '--', '-9007199254740993'], 0,
     LINE % ('/1/0/1', 'integer', '"-9007199254740993"')),
    ('unsigned', ['text', '/32000/0/1', '18446744073709551615', '--text', '--type=unsigned'], 0,
     LINE % ('/32000/0/1', 'unsigned', '"18446744073709551615"')),
    ('a time', ['text', '/3/0/13', '1367491215', '--text'], 0, LINE % ('/3/0/13', 'time', '1367491215')),
    ('a boolean', ['tlv', '/1/0/6', 'c10601'], 0, LINE % ('/1/0/6', 'boolean', 'true')),
    ('a link', ['tlv', '/32000/0/1', 'c4010042ffff', '--type', 'objlnk'], 0,
     LINE % ('/32000/0/1', 'objlnk', '"66:65535"')),
    ('the model wins over --type', ['tlv', '/3/0/9', 'c10950', '-t', 'string'], 0,
     LINE % ('/3/0/9', 'integer', '80')),
    ('an empty instance', ['tlv', '/3', '0000'], 0, LINE % ('/3/0', 'instance', 'null')),
    ('an empty multiple resource', ['tlv', '/3/0', '8006'], 0, LINE % ('/3/0/6', 'multiple', 'null')),
    ('two', ['tlv', '/3/0', 'c10950c10a01'], 0,
     LINE % ('/3/0/9', 'integer', '80') + LINE % ('/3/0/10', 'integer', '1')),
    ('links', ['link-format', '/', '--text', '</3/0>;pmin=1;obs,</5>'], 0,
     '{"path":"/3/0","type":"link","value":{"pmin":"1","obs":null}}\n{"path":"/5","type":"link","value":{}}\n'),
    ('a text of nowhere', ['text', '', '-5', '--text', '--type', 'integer'], 0, LINE % ('', 'integer', '-5')),
    ('a quoted character', ['link', '/', '--text', r'</3>;t="a\"\\b"'], 0,
     LINE % ('/3', 'link', r'{"t":"a\"\\b"}')),
    ('links in the old form', ['link', '/', '--text', 'lwm2m=1.0,</0/0>'], 0,
     LINE % ('/', 'link', '{"lwm2m":"1.0"}') + LINE % ('/0/0', 'link', '{}')),
    ('links by the short name', ['link', '/', '--text', ''], 0, ''),
    ('a truncation', ['tlv', '/3/0/9', 'c109'], 1, '', 'no tlv for this path'),
    ('no link', ['link', '/', '--text', '</3>,'], 1, '', 'link 1 is no link'),
    ('odd digits', ['tlv', '/3/0/9', 'c1095'], 1, '', 'no hex'),
    ('no digits', ['tlv', '/3/0/9', 'xx'], 1, '', 'no hex'),
    ('no format', ['xml', '/3', '00'], 2, '', 'known are text, link'),
    ('no number of a format', ['41', '/3', '00'], 2, '', 'no format 41'),
    ('no path', ['tlv', '/x', '00'], 2, '', 'PATH is'),
    ('no type', ['tlv', '/3', '00', '--type', 'int'], 2, '', '--type is'),
    ('no payload', ['tlv', '/3'], 2, '', 'needs FORMAT PATH HEX'),
]
for what, words, status, want, *why in ROWS:
    got, out, err = decode(*words)
    good = got == status and out == want and (why[0] in err and err.count('\n') == 1 if why else err == '')
    check(good, what, f'{words} -> {got} {out}{err}')
check(decode('tlv', '/3/0', '-', stdin='c109\n50\n')[1] == LINE % ('/3/0/9', 'integer', '80'), 'from standard input')

with tempfile.TemporaryDirectory() as folder:
    with open(f'{folder}/a.xml', 'w') as f:
        f.write('<LWM2M><Object><Name>T</Name><ObjectID>32000</ObjectID>'
                '<MultipleInstances>Multiple</MultipleInstances><Resources><Item ID="1"><Name>L</Name>'
                '<Type>Objlnk</Type></Item></Resources></Object></LWM2M>')
    got, out, err = decode('tlv', '/32000/0', 'c4010042ffff', '--models', folder)
    check(out == LINE % ('/32000/0/1', 'objlnk', '"66:65535"') and (got, err) == (0, ''), '--models', out + err)
    with open(f'{folder}/b.xml', 'w') as f:
        f.write('<LWM2M>\n<Item/></LWM2M>')
    got, out, err = decode('tlv', '/32000/0', 'c4010042ffff', '--models', folder)
    check(got == 0 and 'objlnk' in out and '/b.xml:2: LWM2M holds' in err, 'beside a wrong file', out + err)
got, out, err = decode('tlv', '/3/0', 'c10950', '--models', '/nonexistent')
check(got == 1 and 'No such file' in err, 'no folder of models', out + err)

# The vectors. A row says the types of its leaves; of those the model does not know only one can be
# told with --type, so rows of several such types are left out, as are prefixes and the reserved
# object 65535.
MODEL = set(re.findall(r'^\t(?:ROW|RANGE)\((\d+), (\d+), ', open('lwm2m/objects.c').read(), re.M))
STRUCTURE = {'instance', 'multiple', 'link', 'name', 'delete', 'none'}


def forced(v):
    """The type to tell, '' for none, None where one is not enough."""
    leaves = [(e['path'].split('/'), e['type']) for e in v['expect'] if e['type'] not in STRUCTURE]
    types = {t for p, t in leaves if len(p) < 4 or (p[1], p[3]) not in MODEL}
    return types.pop() if len(types) == 1 else '' if not types else None


@functools.cache
def known(name):
    return decode(name, '/', '')[0] != 2


def usable(v):
    if not known(v['format']) or any('prefix' in e or e['type'] in ('name', 'delete') for e in v['expect']):
        return False
    paths = [e['path'] for e in v['expect']] + [v['path']]
    if v['format'] != 'link-format' and any(not re.fullmatch(r'/?|(/\d+){1,4}', p) or '65535' in p for p in paths):
        return False
    return v['format'] == 'link-format' or forced(v) is not None


def same(a, b):
    if isinstance(a, float) or isinstance(b, float):
        return isinstance(a, (int, float)) and isinstance(b, (int, float)) and abs(a - b) <= 1e-9 * abs(b)
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def matches(got, want):
    keys = ('path', 'type', 'value', 'time', 'time_rel')
    return len(got) == len(want) and all(
        set(g) <= set(keys) and all(same(g.get(k), w.get(k)) for k in keys) for g, w in zip(got, want))


more = os.environ.get('VECTORS')
for file in sorted(glob.glob('tests/vectors/*.json') + (glob.glob(f'{more}/*.json') if more else [])):
    for v in json.load(open(file)).get('vectors') or []:
        if not isinstance(v, dict) or 'expect' not in v or not usable(v):
            continue
        kind = '' if v['format'] == 'link-format' else forced(v)
        words = [v['format'], v['path'] or '/'] + (['--type', kind] if kind else [])
        words += ['--text', '--', v['text']] if 'text' in v else ['--', v['hex']]
        status, out, err = decode(*words)
        if v.get('error'):
            check(status == 1 and err.startswith('lanyardctl: '), f'{file} {v["name"]}', f'{status} {out}{err}')
        else:
            got = [json.loads(line) for line in out.splitlines()] if status == 0 else None
            check(got is not None and matches(got, v['expect']), f'{file} {v["name"]}',
                  f'{words} -> {status} {out}{err} want {v["expect"]}')

print(f'{passed} passed, {failed} failed')
sys.exit(failed != 0)
PY
