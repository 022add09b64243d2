/** URLs of databases: what cannot be read is refused before anything is contacted, and no password is ever repeated. */
import { type BadInput, HOSTILE, SECRET } from '../support/bad-input'

function url(title: string, names: string, text: string): BadInput {
  return {
    title,
    exit: 2,
    code: 'OPTION_INVALID',
    names,
    given: (world) => ({ args: ['migrations', 'info', '--url', text, '--dir', world.migrations({ 'V1__a.sql': 'SELECT 1;' })] }),
  }
}

export const URLS: readonly BadInput[] = [
  url('an empty URL', '--url', ''),
  url('no scheme', 'postgres://', 'db.internal/shop'),
  url('no scheme, with a password', 'postgres://', `boss:${SECRET}@db.internal:5432/shop`),
  url('another database', 'mysql', `mysql://boss:${SECRET}@db.internal/shop`),
  url('one slash', 'postgres://', `postgres:/boss:${SECRET}@db.internal/shop`),
  url('words in the place of a URL', 'postgres://', 'host=db.internal user=boss dbname=shop'),
  url('no host', 'host', `postgres://boss:${SECRET}@/shop`),
  url('no user', 'user', 'postgres://db.internal/shop'),
  url('a socket', 'host', 'postgres://boss@/shop?host=/var/run/postgresql'),
  url('a port above 65535', 'port', `postgres://boss:${SECRET}@db.internal:99999/shop`),
  url('a port of 0', 'port', 'postgres://boss@db.internal:0/shop'),
  url('a port in words', 'port', `postgres://boss:${SECRET}@db.internal:five/shop`),
  url('IPv6 without brackets', 'IPv6', `postgres://boss:${SECRET}@::1:5432/shop`),
  url('IPv6 that is none', 'host', 'postgres://boss@[::zz]:5432/shop'),
  url('a % without its digits in the database', 'database', 'postgres://boss@db.internal/%ZZ'),
  url('a % without its digits in the password', 'password', `postgres://boss:${SECRET}%ZZ@db.internal/shop`),
  url('a # in the password', '%XX', `postgres://boss:${SECRET}#1@db.internal/shop`),
  url('a / in the password', '%XX', `postgres://boss:${SECRET}/1@db.internal/shop`),
  url('a NUL in the database', '%00', 'postgres://boss@db.internal/sh%00op'),
  url('a NUL in the user', '%00', 'postgres://bo%00ss@db.internal/shop'),
  url('a database of 64 bytes', '63', `postgres://boss@db.internal/${'d'.repeat(64)}`),
  url('a user of 64 bytes', '63', `postgres://${'%C3%BC'.repeat(32)}@db.internal/shop`),
  url('two databases', 'database', 'postgres://boss@db.internal/shop/orders'),
  url('an sslmode that is none', 'sslmode', 'postgres://boss@db.internal/shop?sslmode=yes'),
  url('an sslmode that gives way', 'sslmode', 'postgres://boss@db.internal/shop?sslmode=prefer'),
  url('an sslmode twice', 'sslmode', 'postgres://boss@db.internal/shop?sslmode=require&sslmode=disable'),
  url('an unknown parameter', 'connect_timeout', 'postgres://boss@db.internal/shop?connect_timeout=3'),
  url('a mistyped parameter', 'sslmode', 'postgres://boss@db.internal/shop?ssl_mode=require'),
  url('a password as a parameter', 'password', `postgres://boss@db.internal/shop?password=${SECRET}`),
  url('a parameter that writes to the terminal', '\\u{1b}', `postgres://boss@db.internal/shop?${encodeURIComponent(HOSTILE)}=1`),
  url(
    'an sslmode that writes to the terminal',
    '\\u{1b}',
    `postgres://boss@db.internal/shop?sslmode=${encodeURIComponent(HOSTILE)}`,
  ),
  {
    title: 'the same, from the environment',
    exit: 2,
    code: 'OPTION_INVALID',
    names: 'postgres://',
    given: (world) => ({
      args: ['migrations', 'info', '--dir', world.migrations({ 'V1__a.sql': 'SELECT 1;' })],
      env: { CAPSTAN_DATABASE_URL: `boss:${SECRET}@db.internal/shop` },
    }),
  },
]
