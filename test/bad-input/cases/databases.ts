/** Databases that cannot be had. */
import type { FailureCode } from '../../../contracts/failures'
import { FAILURE_KINDS, FAILURES } from '../../../contracts/failures'
import { type BadInput, HOSTILE, SECRET } from '../support/bad-input'
import type { World } from '../support/world'

const kind = (code: FailureCode) => ({ exit: FAILURE_KINDS[FAILURES[code]].exit, code })

/** Named in the fleet file's words. */
function named(title: string, names: string, database: string): BadInput {
  return {
    title,
    ...kind('DATABASE_UNKNOWN'),
    names,
    given: (world) => ({ args: ['migrate', database, '--fleet', world.fleet()] }),
  }
}

/** Reached by a URL. */
function reached(
  title: string,
  code: FailureCode,
  names: string,
  url: (right: URL, world: World) => string,
  sql = 'SELECT 1;',
): BadInput {
  return {
    title,
    ...kind(code),
    names,
    given: (world) => ({
      args: [
        'migrations',
        'apply',
        '--url',
        url(new URL(world.databaseUrl), world),
        '--dir',
        world.migrations({ 'V1__a.sql': sql }),
      ],
    }),
  }
}

const changed = (part: Partial<Pick<URL, 'password' | 'port' | 'pathname' | 'username' | 'search' | 'hostname'>>) => (url: URL) =>
  Object.assign(url, part).href

export const DATABASES: readonly BadInput[] = [
  named('a mistyped name', 'did you mean shop?', 'shp'),
  named('a name in capitals', 'did you mean shop?', 'SHOP'),
  named('a name like no other', 'shop', 'warehouse'),
  named('an empty name', 'shop', ''),
  named('a name of 10,000 characters', 'shop', 'x'.repeat(10_000)),
  named('a name that writes to the terminal', '\\u{1b}', HOSTILE),
  named('a name with SQL in it', 'shop', `shop"; DROP TABLE orders; --`),
  {
    title: 'a fleet of none',
    ...kind('DATABASE_UNKNOWN'),
    names: 'holds none',
    given: (world) => ({ args: ['migrate', 'shop', '--fleet', world.file('fleet.yaml', 'version: 1\ndatabases: []\n')] }),
  },
  reached('nobody listens', 'DATABASE_UNREACHABLE', '<nobody>', (url, { deadPort }) =>
    changed({ port: String(deadPort), password: SECRET })(url),
  ),
  reached('a host without an address', 'DATABASE_UNREACHABLE', 'nowhere.invalid', changed({ hostname: 'nowhere.invalid' })),
  reached('a server that is no PostgreSQL', 'DATABASE_UNREACHABLE', '<lab port>', (url, { lab }) => {
    const { hostname, port } = new URL(lab.api)
    return changed({ hostname, port, password: SECRET })(url)
  }),
  reached('a wrong password', 'CREDENTIALS_REJECTED', 'password', changed({ password: SECRET })),
  reached('no password', 'CREDENTIALS_REJECTED', 'password', changed({ password: '' })),
  reached('an unknown user', 'CREDENTIALS_REJECTED', 'nobody', changed({ username: 'nobody' })),
  reached('a user with quotes', 'CREDENTIALS_REJECTED', `no"body'`, changed({ username: `no%22body'` })),
  reached('a database that is not there', 'DATABASE_UNKNOWN', 'warehouse', changed({ pathname: 'warehouse' })),
  reached('a database with quotes', 'DATABASE_UNKNOWN', `sh"op'; --`, changed({ pathname: `sh%22op'; --` })),
  reached('a database in another script', 'DATABASE_UNKNOWN', 'магазин', changed({ pathname: 'магазин' })),
  reached(
    'a database that writes to the terminal',
    'DATABASE_UNKNOWN',
    '\\u{1b}',
    changed({ pathname: encodeURIComponent(HOSTILE) }),
  ),
  reached('TLS where there is none', 'OPTION_INVALID', 'TLS', changed({ search: '?sslmode=require' })),
]
