/** Commands, arguments and options as people mistype them. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type BadInput, HOSTILE } from '../support/bad-input'
import type { World } from '../support/world'

function typed(title: string, names: string, args: readonly string[] | ((world: World) => readonly string[])): BadInput {
  return {
    title,
    exit: 2,
    code: 'OPTION_INVALID',
    names,
    given: (world) => ({
      args: typeof args === 'function' ? args(world) : args,
      env: { CAPSTAN_LEDGER_URL: world.ledgerUrl, CAPSTAN_FLEET: world.fleet() },
    }),
  }
}

const ID = 'migrate-shop-k3x7qa'
const id = (title: string, text: string, names = text) => typed(title, names, ['ops', 'show', text])
const list = (title: string, names: string, ...args: string[]) => typed(title, names, ['ops', 'list', ...args])

export const FLAGS: readonly BadInput[] = [
  typed('an unknown command', 'migrate', ['migrat']),
  typed('an unknown command like no other', 'frobnicate', ['frobnicate']),
  typed('an unknown command of a group', 'evidence', ['ops', 'evidense', ID]),
  typed('a command that writes to the terminal', '\\u{1b}', [HOSTILE]),
  typed('an unknown option', '--wait-timeout', ['migrate', 'shop', '--wait-timeut', '3m']),
  typed('an unknown option like no other', '--frobnicate', ['migrate', 'shop', '--frobnicate']),
  typed('an unknown option of one letter', '-x', ['migrate', 'shop', '-x']),
  typed('an option that writes to the terminal', '\\u{1b}', ['migrate', 'shop', `--${HOSTILE}`]),
  typed('no database', 'database', ['migrate']),
  typed('no operation', 'operation', ['ops', 'show']),
  typed('an empty operation', 'operation', ['ops', 'show', '']),
  typed('one word too many', 'list', ['ops', 'list', 'shop']),
  { ...typed('an option without its value', '--fleet', ['fleet', 'check', '--fleet']), once: true },
  typed('no folder of migrations', '--dir', ['migrations', 'info', '--url', 'postgres://a@b/c']),
  typed('no reason', '--reason', ['ops', 'reject', ID]),
  typed('an empty reason', '--reason', ['ops', 'reject', ID, '--reason', ' ']),
  typed('a time to wait below zero', '--wait-timeout', ['ops', 'watch', ID, '--wait-timeout', '-1']),
  typed('a time to wait without its unit', '--wait-timeout', ['migrate', 'shop', '--wait-timeout', '30']),
  typed('a time to wait in words', '--wait-timeout', ['migrate', 'shop', '--wait-timeout', 'forever']),
  typed('a time to wait that writes to the terminal', '\\u{1b}', ['migrate', 'shop', '--wait-timeout', HOSTILE]),
  { ...typed('--json and --events', '--events', ['ops', 'watch', ID, '--events', '--json']), machine: true },
  { ...typed('up with --json in the foreground', '--detach', ['up', '--json']), machine: true },
  id('an id that is too short', 'ab'),
  id('an id that is too long', `m${'i'.repeat(32)}`),
  id('an id of 10,000 characters', 'i'.repeat(10_000), 'iiiiiiiiii'),
  id('an id in capitals', 'Migrate-Shop-K3X7QA'),
  id('an id that begins with a digit', '1migrate'),
  id('an id with a Cyrillic letter', 'migrate-shоp-k3x7qa'),
  id('an id with two hyphens in a row', 'migrate--shop'),
  id('an id that ends with a hyphen', 'migrate-shop-'),
  id('an id with a slash', '../migrate-shop'),
  id('an id with a NUL', 'migrate\0shop', '\\u{0}'),
  id('an id that writes to the terminal', HOSTILE, '\\u{1b}'),
  typed('an id of one’s own that is none', 'Release 12', ['migrate', 'shop', '--operation', 'Release 12']),
  typed('an empty id of one’s own', 'operation id', ['migrate', 'shop', '--operation', '']),
  list('a limit below zero', '--limit', '--limit', '-5'),
  list('a limit of none', '--limit', '--limit', '0'),
  list('a limit with a fraction', '--limit', '--limit', '2.5'),
  list('a limit in words', '--limit', '--limit', 'all'),
  list('a limit beyond numbers', '--limit', '--limit', '99999999999999999999'),
  list('a mistyped status', 'running', '--status', 'runing'),
  list('an unknown status', '--status', '--status', 'sleeping'),
  list('an empty status', '--status', '--status', ''),
  list('an unknown kind', '--kind', '--kind', 'migrat'),
  list('a day in words', '--since', '--since', 'yesterday'),
  list('a day that no month has', '--since', '--since', '2026-02-31'),
  list('a day in another order', '--since', '--since', '31.12.2026'),
  list('an instant without its zone', '--since', '--since', '2026-11-23T03:00'),
  typed('a digest cut short', '--digest', ['ops', 'approve', ID, '--digest', '12ab']),
  typed('a digest in capitals', '--digest', ['ops', 'approve', ID, '--digest', 'AB'.repeat(32)]),
  typed('a decision that is none', 'retry', ['ops', 'resolve', ID, 'maybe']),
  typed('a version that no migration has', '9', (world) => [
    'migrations',
    'apply',
    '--url',
    world.databaseUrl,
    '--dir',
    world.migrations({ 'V1__a.sql': 'SELECT 1;' }),
    '--target',
    '9',
  ]),
  typed('a version that is none', 'latest', (world) => [
    'migrations',
    'apply',
    '--url',
    world.databaseUrl,
    '--dir',
    world.migrations({ 'V1__a.sql': 'SELECT 1;' }),
    '--target',
    'latest',
  ]),
  ...(['--html', '--out'] as const).flatMap((option) => [
    typed(`${option} to a folder`, option, (world) => {
      mkdirSync(join(world.folder, 'page'))
      return ['ops', 'evidence', 'given-ended', option, join(world.folder, 'page')]
    }),
    typed(`${option} into a folder that is not there`, option, (world) => [
      'ops',
      'evidence',
      'given-ended',
      option,
      join(world.folder, 'no', 'where'),
    ]),
  ]),
]
