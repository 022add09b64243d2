/** Variables that say where things are. */
import { join } from 'node:path'
import type { FailureCode } from '../../../contracts/failures'
import { FAILURE_KINDS, FAILURES } from '../../../contracts/failures'
import { type BadInput, HOSTILE, SECRET } from '../support/bad-input'
import type { World } from '../support/world'

type Environment = Readonly<Record<string, string>>

function set(
  title: string,
  code: FailureCode,
  names: string,
  env: (world: World) => Environment,
  args = ['ops', 'list'],
): BadInput {
  return { title, exit: FAILURE_KINDS[FAILURES[code]].exit, code, names, given: (world) => ({ args, env: env(world) }) }
}

const ledger = (title: string, code: FailureCode, names: string, url: (right: URL, world: World) => string) =>
  set(title, code, names, (world) => ({ CAPSTAN_LEDGER_URL: url(new URL(world.ledgerUrl), world) }))

const doors = ['ops', 'approve', 'migrate-shop-k3x7qa']
const temporal = (title: string, code: FailureCode, names: string, address: string | ((world: World) => string)) =>
  set(
    title,
    code,
    names,
    (world) => ({
      CAPSTAN_LEDGER_URL: world.ledgerUrl,
      TEMPORAL_ADDRESS: typeof address === 'string' ? address : address(world),
    }),
    doors,
  )

const milliseconds = (title: string, value: string) =>
  set(title, 'OPTION_INVALID', 'CAPSTAN_HEARTBEAT_TIMEOUT_MS', (world) => ({
    CAPSTAN_LEDGER_URL: world.ledgerUrl,
    CAPSTAN_HEARTBEAT_TIMEOUT_MS: value,
  }))

function changed(url: URL, part: Partial<Pick<URL, 'password' | 'port' | 'pathname' | 'username' | 'hostname'>>): string {
  return Object.assign(url, part).href
}

export const ENVIRONMENT: readonly BadInput[] = [
  set('no ledger is known', 'LEDGER_UNREACHABLE', 'CAPSTAN_LEDGER_URL', () => ({})),
  set(
    'no Temporal is known',
    'TEMPORAL_UNREACHABLE',
    'TEMPORAL_ADDRESS',
    ({ ledgerUrl }) => ({ CAPSTAN_LEDGER_URL: ledgerUrl }),
    doors,
  ),
  set('no lab is known', 'LAB_UNREACHABLE', 'CAPSTAN_LAB_API', () => ({}), ['lab', 'status']),
  ledger('a ledger’s URL without its scheme', 'OPTION_INVALID', 'CAPSTAN_LEDGER_URL', () => `boss:${SECRET}@db.internal/ledger`),
  ledger(
    'a ledger’s URL of another database',
    'OPTION_INVALID',
    'CAPSTAN_LEDGER_URL',
    () => `mysql://boss:${SECRET}@db.internal/ledger`,
  ),
  ledger('a ledger that is not there', 'LEDGER_UNREACHABLE', 'CAPSTAN_LEDGER_URL', (url, { deadPort }) =>
    changed(url, { port: String(deadPort), password: SECRET }),
  ),
  ledger('a ledger on a host without an address', 'LEDGER_UNREACHABLE', 'nowhere.invalid', (url) =>
    changed(url, { hostname: 'nowhere.invalid' }),
  ),
  ledger('a wrong password of the ledger', 'CREDENTIALS_REJECTED', 'password', (url) => changed(url, { password: SECRET })),
  ledger('an unknown user of the ledger', 'CREDENTIALS_REJECTED', 'nobody', (url) => changed(url, { username: 'nobody' })),
  ledger('a ledger’s database that is not there', 'LEDGER_UNREACHABLE', 'no-such-ledger', (url) =>
    changed(url, { pathname: 'no-such-ledger' }),
  ),
  ledger('a database that is no ledger', 'LEDGER_UNREACHABLE', 'tables', (_url, world) => world.databaseUrl),
  temporal('words in the place of Temporal’s address', 'OPTION_INVALID', 'TEMPORAL_ADDRESS', 'over there'),
  temporal('a URL in the place of Temporal’s address', 'OPTION_INVALID', 'TEMPORAL_ADDRESS', 'http://127.0.0.1:7233'),
  temporal('Temporal’s address without its host', 'OPTION_INVALID', 'TEMPORAL_ADDRESS', ':7233'),
  temporal('Temporal’s address with a port above 65535', 'OPTION_INVALID', 'TEMPORAL_ADDRESS', '127.0.0.1:72330'),
  temporal('a Temporal’s address that writes to the terminal', 'OPTION_INVALID', '\\u{1b}', HOSTILE),
  {
    ...temporal(
      'a Temporal that is not there',
      'TEMPORAL_UNREACHABLE',
      'TEMPORAL_ADDRESS',
      ({ deadPort }) => `127.0.0.1:${deadPort}`,
    ),
    once: true,
  },
  set(
    'a namespace that is not there',
    'TEMPORAL_REFUSED',
    'TEMPORAL_NAMESPACE',
    (world) => ({ CAPSTAN_LEDGER_URL: world.ledgerUrl, TEMPORAL_ADDRESS: world.temporal, TEMPORAL_NAMESPACE: 'nowhere' }),
    doors,
  ),
  milliseconds('milliseconds with a unit', '5s'),
  milliseconds('milliseconds below zero', '-1'),
  milliseconds('milliseconds of none', '0'),
  milliseconds('milliseconds with a fraction', '2.5'),
  milliseconds('milliseconds of a year', '31536000000'),
  milliseconds('milliseconds that write to the terminal', HOSTILE),
  set('a state folder that is not there', 'LEDGER_UNREACHABLE', 'capstan up', ({ folder }) => ({
    CAPSTAN_STATE_DIR: join(folder, 'none'),
  })),
  set('a state folder that is a file', 'OPTION_INVALID', 'CAPSTAN_STATE_DIR', (world) => ({ CAPSTAN_STATE_DIR: world.fleet() })),
  set(
    'a lab that is not there',
    'LAB_UNREACHABLE',
    '--lab',
    ({ deadPort }) => ({ CAPSTAN_LAB_API: `http://127.0.0.1:${deadPort}` }),
    ['lab', 'status'],
  ),
  set('a lab’s address that is no URL', 'OPTION_INVALID', 'CAPSTAN_LAB_API', () => ({ CAPSTAN_LAB_API: 'over there' }), [
    'lab',
    'status',
  ]),
  set(
    'a lab’s address with a password',
    'OPTION_INVALID',
    'CAPSTAN_LAB_API',
    () => ({ CAPSTAN_LAB_API: `http://boss:${SECRET}@127.0.0.1:1` }),
    ['lab', 'status'],
  ),
  set(
    'a wrong token of the lab',
    'LAB_REFUSED',
    'CAPSTAN_LAB_TOKEN',
    ({ lab }) => ({ CAPSTAN_LAB_API: lab.api, CAPSTAN_LAB_TOKEN: SECRET }),
    ['lab', 'status'],
  ),
  set('no token of the lab', 'LAB_REFUSED', '<lab>', ({ lab }) => ({ CAPSTAN_LAB_API: lab.api }), ['lab', 'status']),
]
