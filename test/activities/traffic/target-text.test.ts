import fc from 'fast-check'
import { retargeted, targetOf } from '../../../activities/traffic/pgbouncer/target-text'

const word = fc.stringMatching(/^[A-Za-z0-9_.-]{1,20}$/)
const host = fc.oneof(word, fc.ipV4(), fc.ipV6())
const place = fc.record({ host, port: fc.integer({ min: 1, max: 65_535 }) })
/** What a person may have written of a database besides where it is. */
const other = fc.constantFrom(
  'dbname=shop',
  "connect_query='SELECT ''host=x port=1'' '",
  'pool_size = 20',
  'auth_user=asks',
  "application_name=''",
)
const blank = fc.constantFrom(' ', '  ', '\t')
const around = fc.constantFrom('', '; host=elsewhere\n', '# größe\r\n', '\n \n')
const quoted = (value: string, quotes: boolean) => (quotes ? `'${value}'` : value)

const written = fc.record({
  ...{ name: word, at: place, to: place, others: fc.uniqueArray(other, { selector: (one) => one.split(/[ =]/)[0] }) },
  ...{ blank, before: around, after: around, quotes: fc.boolean(), port: fc.boolean(), first: fc.boolean() },
})

test('a move changes where the line leads, and no other byte', () => {
  fc.assert(
    fc.property(written, ({ name, at, to, others, blank: gap, before, after, quotes, port, first }) => {
      const line = (leads: string, number: string) => {
        const pairs = [`host${gap}=${gap}${leads}`, ...(number === '' ? [] : [`port=${number}`])]
        return `${before}[databases]\n${before}${name} =${gap}${(first ? [...pairs, ...others] : [...others, ...pairs]).join(gap)}\n${after}`
      }
      const text = line(quoted(at.host, quotes), port ? String(at.port) : '')
      expect(targetOf(text, name)).toEqual({ host: at.host, port: port ? at.port : 5432 })
      const moved = retargeted(text, name, to)
      // where no port stood one is put behind the host
      expect(moved).toBe(port ? line(to.host, String(to.port)) : line(`${to.host} port=${to.port}`, ''))
      expect(targetOf(String(moved), name)).toEqual(to)
      expect(retargeted(String(moved), name, to)).toBe(moved)
    }),
    { numRuns: 300 },
  )
})

test('nothing that anybody writes is read as a place without being one, nor fails', () => {
  const piece = fc.constantFrom(
    '[databases]',
    '\n',
    'shop',
    '=',
    ' ',
    'host',
    'port',
    "'",
    ';',
    '1',
    'a',
    ',',
    '/',
    '%include x',
    '\0',
    'ü',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const read = targetOf(pieces.join(''), 'shop')
      if (!('unfit' in read)) expect([/^[A-Za-z0-9._:-]+$/.test(read.host), read.port > 0]).toEqual([true, true])
    }),
    { numRuns: 500 },
  )
})

const LINE = 'shop = host=10.0.0.1 port=5432 dbname=shop'
test.each([
  ['', 'has no database'],
  ['[databases]\n', 'has no database'],
  [LINE, 'outside of its section'],
  [`[pgbouncer]\n${LINE}`, 'outside of its section'],
  [`[databases]\n%include other.ini\n${LINE}`, 'no comment, section or database'],
  [`[databases]\n${LINE}\nother = host=10.0.0.2`, 'several databases'],
  [`[databases]\n${LINE}\n${LINE}`, 'several databases'],
  ['[databases]\nother = host=10.0.0.1', 'another database'],
  ['[databases]\n* = host=10.0.0.1', 'no comment, section or database'],
  [`[databases]\n${LINE} password=hunter2`, 'has a password'],
  [`[databases]\n${LINE} host=10.0.0.2`, 'twice'],
  ['[databases]\nshop = port=5432', 'one host'],
  ['[databases]\nshop = host=10.0.0.1,10.0.0.2', 'one host'],
  ['[databases]\nshop = host=/run/postgresql', 'one host'],
  ['[databases]\nshop = host=10.0.0.1 port=70000', 'a port that is none'],
  [`[databases]\n${LINE} ; a comment`, 'cannot be read'],
  ["[databases]\nshop = host='10.0.0.1", 'cannot be read'],
])('%j is left alone', (text, why) => {
  expect(targetOf(text, 'shop')).toEqual({ unfit: expect.stringContaining(why) })
  expect(retargeted(text, 'shop', { host: '10.0.0.9', port: 1 })).toEqual({ unfit: expect.stringContaining(why) })
})

test.each(['10.0.0.1,10.0.0.2', '/run/postgresql', 'a b', "a'", '', 'a\nb = c'])('nothing is led to %j', (name) => {
  expect(retargeted(`[databases]\n${LINE}`, 'shop', { host: name, port: 5432 })).toEqual({ unfit: expect.any(String) })
})
