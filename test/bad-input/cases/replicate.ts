/** `capstan replicate`, `capstan standby`, and what the fleet file says of standbys. */
import type { FailureCode } from '../../../contracts/failures'
import { type BadInput, HOSTILE, SECRET } from '../support/bad-input'
import { AZURE_FLEET, FLEET } from '../support/world'

const PUBLISHER = '{ user: replicator, secret: "env:SHOP_REPLICATOR", tls: require }'
const standby = (database: string, more = 'maxRetained: 20GB') => `{ database: ${database}, publisher: ${PUBLISHER}, ${more} }`

const ON_AZURE = AZURE_FLEET.slice(AZURE_FLEET.indexOf('  - name'))
  .replace('name: shop', 'name: shop-azure')
  .replace('instance: shop-db', 'instance: shop-az')
/** The shop with these standbys, and entries that may be some. */
const fleetOf = (standbys: string, others = ON_AZURE) => `${FLEET}    standbys: [${standbys}]\n${others}`
const ONE = fleetOf(standby('shop-azure'))
const TWO = fleetOf(
  `${standby('shop-azure')}, ${standby('shop-other')}`,
  ON_AZURE + ON_AZURE.replace('name: shop-azure', 'name: shop-other').replace('shop-az\n', 'shop-oz\n'),
)

function asked(
  title: string,
  names: string,
  args: readonly string[],
  { fleet = ONE, code = 'OPTION_INVALID' }: { fleet?: string; code?: FailureCode } = {},
): BadInput {
  return {
    title,
    exit: 2,
    code,
    names,
    given: (world) => ({ args: [...args], env: { CAPSTAN_FLEET: world.fleet(() => fleet) } }),
  }
}

function declared(title: string, names: string, fleet: string, problems = 1): BadInput {
  const given: BadInput['given'] = (world) => ({ args: ['fleet', 'check', '--fleet', world.fleet(() => fleet)] })
  return { title, exit: 2, code: 'FLEET_FILE_INVALID', names: `databases[0].standbys${names}`, problems, given }
}

/** A database of Azure's with a read replica there. */
const WEST = ON_AZURE.replace('name: shop-azure', 'name: shop-west').replace('shop-az\n', 'shop-wz\n')
const replicated = (replicas: string, fleet = AZURE_FLEET, others = WEST) => `${fleet}    replicas: [${replicas}]\n${others}`
const AURORA_FLEET = `${FLEET}    aurora: true\n`
const AURORA_WEST = AURORA_FLEET.slice(FLEET.indexOf('  - name'))
  .replace('name: shop', 'name: shop-west')
  .replace('shop-db', 'shop-w')
const PAIR = { fleet: replicated('shop-west') }

function paired(title: string, fleet: string): BadInput {
  const given: BadInput['given'] = (world) => ({ args: ['fleet', 'check', '--fleet', world.fleet(() => fleet)] })
  return { title, exit: 2, code: 'FLEET_FILE_INVALID', names: 'databases[0].replicas[0]', problems: 1, given }
}

const NAMED = '[0].database'
const UNKNOWN = { code: 'DATABASE_UNKNOWN' } as const
const NONE = { fleet: FLEET }

export const REPLICATE: readonly BadInput[] = [
  asked('no source', 'source', ['replicate']),
  asked('a mistyped source', 'did you mean shop?', ['replicate', 'shpo'], UNKNOWN),
  asked('a source that declares none', 'shop declares no standby', ['replicate', 'shop'], NONE),
  asked('the standby in its source’s place', 'shop-azure declares no standby', ['standby', 'pause', 'shop-azure']),
  asked('a standby that is nowhere', 'did you mean shop-azure?', ['replicate', 'shop', '--to', 'shop-asure'], UNKNOWN),
  asked('the source as its own standby', '--to', ['replicate', 'shop', '--to', 'shop']),
  asked('one of several that is not named', 'shop declares 2 standbys', ['standby', 'resume', 'shop'], { fleet: TWO }),
  asked('a standby without a name', '--to', ['standby', 'remove', 'shop', '--to', '']),
  asked('what an old writer has alone, of none that is rebuilt', '--discard', ['replicate', 'shop', '--discard', 'x']),
  asked('an old writer that follows by nothing', 'shop-azure declares no standby', [
    'replicate',
    'shop-azure',
    '--to',
    'shop',
    '--rebuild',
  ]),
  asked('a table without its schema', '--table', ['standby', 'reseed', 'shop', '--table', 'orders']),
  asked('a table of a command that knows none', '--table', ['standby', 'pause', 'shop', '--table', 'public.orders']),
  asked('a comparison with nobody', '--to', ['standby', 'compare', 'shop', '--to', '']),
  asked('a deed that there is not', 'reseed', ['standby', 'resed', 'shop']),
  asked('a standby that writes to the terminal', '\\u{1b}', ['replicate', 'shop', '--to', HOSTILE], UNKNOWN),
  asked('writing of nobody that is to move', 'source', ['switchover']),
  asked('writing that is to move where nobody stands by', 'shop neither declares', ['switchover', 'shop'], NONE),
  asked(
    'writing that is to move to nobody of the file',
    'did you mean shop-azure?',
    ['switchover', 'shop', '--to', 'shop-asure'],
    UNKNOWN,
  ),
  asked('writing that is to move back where no way back is declared', 'shop-azure follows shop', [
    'switchover',
    'shop-azure',
    '--to',
    'shop',
  ]),
  asked('a look after what moves nothing', '--observe', ['switchover', 'shop', '--rehearse', '--observe', '15m']),
  asked('a time to compare in that is none', '--compare-within', ['switchover', 'shop', '--compare-within', '0']),
  asked('a time to drain in that is none', '--drain-within', ['switchover', 'shop', '--drain-within', 'soon']),
  asked('going on by hand where nobody can be asked', '--yes', ['break-glass', 'finish', 'switchover-1']),
  asked('going on by hand, asked once', '--confirm', ['break-glass', 'revert', 'switchover-1', '--yes']),
  asked('going back by hand where nobody answers for it', '--no-failover-ran', [
    ...['break-glass', 'revert', 'switchover-1', '--no-failover-ran', ''],
  ]),
  asked('a failover that is no matter of going on', '--no-failover-ran', ['break-glass', 'finish', '--no-failover-ran', 'x']),
  asked('going on by hand by no papers', '--papers FILE', ['break-glass', 'show']),
  asked('papers from nowhere', '--from', ['break-glass', 'show', '--from', 'shop:5432']),
  asked('papers from two places', '--papers and --from', ['break-glass', 'show', '--papers', 'p.json', '--from', 'shop@a:1']),
  asked('papers that are not there', 'p.json', ['break-glass', 'show', '--papers', 'p.json']),
  asked('papers of an operation that has no name', 'operation', ['break-glass', 'show', 'SHOP!']),
  asked('a journal that is not there', 'j.jsonl', ['break-glass', 'reconcile', 'j.jsonl']),
  asked('a comparison with a read replica', '--rehearse', ['switchover', 'shop', '--rehearse'], PAIR),
  asked(
    'a comparison with a read replica behind the fence',
    '--compare-within',
    ['switchover', 'shop-west', '--compare-within', '2s'],
    PAIR,
  ),
  asked('a failover to nobody', '--to', ['failover', 'shop']),
  asked('a failover to nobody of the file', 'did you mean shop-azure?', ['failover', 'shop', '--to', 'shop-asure'], UNKNOWN),
  asked('a failover to one that never followed', 'shop-azure neither declares', ['failover', 'shop-azure', '--to', 'shop']),
  asked('a failover that nobody answers for', '--acknowledge-unfenced', [
    ...['failover', 'shop', '--to', 'shop-azure', '--acknowledge-unfenced', ''],
  ]),
  asked('a loss that is no time', '--accept-loss', ['failover', 'shop', '--to', 'shop-azure', '--accept-loss', 'little']),
  paired(
    'a replica with an endpoint of its own',
    replicated('shop-west', AZURE_FLEET, `${WEST}    endpoint: { kind: lab-router, name: readers }\n`),
  ),
  paired('a replica that the file does not have', replicated('shop-wets')),
  paired('a database that is a replica of itself', replicated('shop')),
  paired(
    'a replica in another cloud',
    replicated('other', AZURE_FLEET, FLEET.slice(FLEET.indexOf('  - name')).replace('name: shop', 'name: other')),
  ),
  paired('a replica on AWS', replicated('shop-west', FLEET)),
  paired('a replica of Aurora in its primary’s region', replicated('shop-west', AURORA_FLEET, AURORA_WEST)),
  asked('what was given up for nobody', '--into', ['salvage', 'rows', 'shop']),
  asked(
    'what was given up for nobody of the file',
    'did you mean shop-azure?',
    ['salvage', 'rows', 'shop', '--into', 'shop-asure'],
    UNKNOWN,
  ),
  asked('what was given up for itself', '--into is shop', ['salvage', 'rows', 'shop', '--into', 'shop']),
  asked('rows that go over to no table', '--published says something', [
    ...['salvage', 'rows', 'shop', '--into', 'shop-azure', '--published'],
  ]),
  asked('values that go nowhere', '--file', ['salvage', 'values', 'salvage-1']),
  asked('values of an operation that has no name', 'operation', ['salvage', 'values', 'SHOP!', '--file', 'rows.jsonl']),
  declared('a standby that the file does not have', NAMED, fleetOf(standby('shop-asure'))),
  declared('a database that stands by for itself', NAMED, fleetOf(standby('shop'))),
  declared(
    'a standby in the same instance',
    NAMED,
    fleetOf(standby('copy'), FLEET.slice(FLEET.indexOf('  - name')).replace('name: shop', 'name: copy')),
  ),
  declared(
    'a standby of a standby',
    NAMED,
    fleetOf(standby('shop-azure'), `${ON_AZURE}    standbys: [${standby('nobody')}]\n`),
    2,
  ),
  declared(
    'a standby with other migrations',
    NAMED,
    ONE.replace(ON_AZURE, ON_AZURE.replace('migrations: migrations', 'migrations: others')),
  ),
  declared('a standby twice', '[1].database', fleetOf(`${standby('shop-azure')}, ${standby('shop-azure')}`)),
  declared('no standbys', '', fleetOf('')),
  declared('a publisher without TLS', '[0].publisher.tls', ONE.replace(', tls: require }, max', ' }, max')),
  declared('a publisher’s password', '[0].publisher.secret', ONE.replace('"env:SHOP_REPLICATOR"', SECRET)),
  declared('a slot without its limit', '[0].maxRetained', ONE.replace(', maxRetained: 20GB', '')),
  declared('a slot that may hold back nothing', '[0].maxRetained', ONE.replace('20GB', '0B')),
  declared('a slot that may hold back a word', '[0].maxRetained', ONE.replace('20GB', 'plenty')),
  declared('a comparison without its turn', '[0].compare', ONE.replace('20GB', '20GB, compare: { within: 6h }')),
  declared('a comparison every second', '[0].compare.every', ONE.replace('20GB', '20GB, compare: { every: 1s }')),
  declared(
    'a comparison that takes longer than its turn',
    '[0].compare.within',
    ONE.replace('20GB', '20GB, compare: { every: 1d, within: 2d }'),
  ),
  declared('a disk that grows to a fraction', '[0].growTo', ONE.replace('20GB', '20GB, growTo: 0.5GB')),
  declared('a disk that grows to megabytes', '[0].growTo', ONE.replace('20GB', '20GB, growTo: 500MB')),
  declared('a wait at a line for a second', '[0].carryWithin', ONE.replace('20GB', '20GB, carryWithin: 1s')),
  declared('a wait at a line for two days', '[0].carryWithin', ONE.replace('20GB', '20GB, carryWithin: 2d')),
  declared('a lag of a month', '[0].maxLag', ONE.replace('20GB', '20GB, maxLag: 31d')),
]
