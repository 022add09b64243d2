/** Every built-in type that a table can have, each with values that some hash, some text form or some setting takes for one another. */

/** Made in both databases before anything else. */
export const TYPES_SQL = `
  CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
  CREATE DOMAIN positive AS numeric(12, 3) CHECK (VALUE >= 0);
  CREATE DOMAIN short_text AS varchar(20);
  CREATE TYPE pair AS (number int, label text);
  CREATE TYPE money_range AS RANGE (subtype = numeric);`

/** Type → literals without their quotes; null stands for NULL. */
export const VALUES: Readonly<Record<string, readonly (string | null)[]>> = {
  boolean: ['t', 'f', null],
  smallint: ['0', '1', '-1', '32767', null],
  integer: ['0', '1', '-1', '65536', '-2147483648', null],
  bigint: ['1', '4294967296', '-1', '0', '9223372036854775807', null],
  numeric: ['1', '1.0', '1.00', '-1', '0', '0.000', 'NaN', 'Infinity', '-Infinity', '123456789012345678901234567890.5', null],
  real: ['0', '-0', 'NaN', 'Infinity', '1e-10', '0.1', null],
  'double precision': ['0', '-0', 'NaN', '-Infinity', '0.1', '0.30000000000000004', '1e300', null],
  money: ['1.00', '-1.00', '0', null],
  text: ['', ' ', 'a', 'A', 'ä', 'a\u0308', 'NULL', '(a,b)', '"', '\\', null],
  'varchar(30)': ['', 'a', 'a ', null],
  'char(5)': ['a', 'ab', '', null],
  '"char"': ['a', 'b', null],
  name: ['n', 'N', null],
  bytea: ['\\x', '\\x00', '\\x0000', '\\xff', null],
  date: ['2024-02-29', 'infinity', '-infinity', '0044-03-15 BC', null],
  time: ['00:00', '24:00', '12:00:00.000001', null],
  timetz: ['12:00+00', '14:00+02', '12:00+02', null],
  timestamp: ['2024-01-01 00:00:00', '2024-01-01 00:00:00.000001', 'infinity', null],
  timestamptz: ['2024-01-01 00:00:00+00', '2024-01-01 02:00:00+02', '2024-01-01 00:00:00+02', '-infinity', null],
  interval: ['1 month', '30 days', '720 hours', '-1 second', '0', null],
  uuid: ['00000000-0000-0000-0000-000000000001', '10000000-0000-0000-0000-000000000000', null],
  json: ['{"a":1}', '{"a": 1}', '{"a":1,"a":2}', 'null', null],
  jsonb: ['{"a":1}', '{"a":1.0}', '{"a":1.00}', '[]', '{}', 'null', '"\\u00e4"', null],
  xml: ['<a/>', '<a></a>', null],
  inet: ['10.0.0.1', '10.0.0.1/8', '::1', null],
  cidr: ['10.0.0.0/8', '10.0.0.0/16', null],
  macaddr: ['08:00:2b:01:02:03', null],
  macaddr8: ['08:00:2b:01:02:03:04:05', null],
  point: ['(0,0)', '(-0,0)', '(1,2)', null],
  line: ['{1,2,3}', null],
  lseg: ['((0,0),(1,1))', '((1,1),(0,0))', null],
  box: ['((0,0),(1,1))', null],
  path: ['((0,0),(1,1))', '[(0,0),(1,1)]', null],
  polygon: ['((0,0),(1,1),(1,0))', null],
  circle: ['<(0,0),1>', '<(0,0),2>', null],
  'bit(4)': ['0000', '0001', null],
  varbit: ['', '0', '00', null],
  tsvector: ["'a':1 'b':2", "'a' 'b'", '', null],
  tsquery: ["'a' & 'b'", "'a' | 'b'", null],
  pg_lsn: ['0/0', '1/0', '0/1', null],
  oid: ['0', '1', '4294967295', null],
  regclass: ['pg_class', 'pg_type', null],
  regtype: ['mood', 'integer', null],
  'int[]': ['{}', '{1}', '{1,NULL}', '{NULL}', '[2:2]={1}', '{{1}}', null],
  'text[]': ['{}', '{""}', '{NULL}', '{"NULL"}', '{a,b}', '{"a,b"}', null],
  'timestamptz[]': ['{}', '{"2024-01-01 00:00:00+00"}', '{"2024-01-01 00:00:00+02"}', null],
  'mood[]': ['{sad,ok}', '{ok,sad}', '{}', null],
  int4range: ['empty', '[1,2)', '[1,3)', '(,)', '[1,)', null],
  tstzrange: ['["2024-01-01 00:00+00",)', '["2024-01-01 00:00+02",)', 'empty', null],
  int4multirange: ['{}', '{[1,2)}', '{[1,2),[5,6)}', null],
  money_range: ['[1.0,2)', '[1.00,2)', 'empty', null],
  mood: ['sad', 'ok', 'happy', null],
  positive: ['1', '2.5', '0', null],
  short_text: ['', 'x', 'X', null],
  pair: ['(1,a)', '(,)', '(1,)', '(1,"")', '(,a)', null],
  'pair[]': ['{"(1,a)"}', '{"(2,a)"}', '{}', null],
}

export const TYPE_NAMES: readonly string[] = Object.keys(VALUES)

export function literal(type: string, choice: number): string {
  const values = VALUES[type] ?? []
  const value = values[choice % values.length] ?? null
  return value === null ? `NULL::${type}` : `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'::${type}`
}
