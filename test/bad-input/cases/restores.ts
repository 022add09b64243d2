/** `capstan restore`. What only the cloud can say is in test/e2e/restore.test.ts. */
import { FAILURE_KINDS, FAILURES, type FailureCode } from '../../../contracts/failures'
import type { BadInput } from '../support/bad-input'
import { AZURE_FLEET, FLEET, GCP_FLEET } from '../support/world'

function asked(title: string, names: string, args: readonly string[], code: FailureCode = 'OPTION_INVALID'): BadInput {
  return {
    title,
    exit: FAILURE_KINDS[FAILURES[code]].exit,
    code,
    names,
    given: (world) => ({
      args: ['restore', ...args],
      env: { CAPSTAN_FLEET: world.fleet(), CAPSTAN_LEDGER_URL: world.ledgerUrl, TEMPORAL_ADDRESS: world.temporal },
    }),
  }
}

const COPY = ['shop', '--snapshot', 'cap-nightly-copy-eu-west-1']
const COPIES = '[{ region: eu-west-1 }, { region: ap-south-1, canary: { securityGroups: [sg-1] } }]'

/** Of the fleet file of whatever cloud, with copies of snapshots in other regions where it can have them. */
function elsewhere(title: string, names: string, more: readonly string[], fleet = withCopies()): BadInput {
  return {
    title,
    exit: 2,
    code: 'OPTION_INVALID',
    names,
    given: (world) => ({ args: ['restore', ...COPY, ...more], env: { CAPSTAN_FLEET: world.fleet(() => fleet) } }),
  }
}

function withCopies(): string {
  return FLEET.replace('bake: 10s', `bake: 10s\n      snapshotCopies: ${COPIES}`)
}

/** Of two hours, unless it says otherwise. */
function when(title: string, names: string, more: readonly string[]): BadInput {
  const times = more.includes('--to') ? [] : ['--from', '2h', '--to', '10m']
  return asked(title, names, ['when', 'shop', ...times, ...more])
}

export const RESTORES: readonly BadInput[] = [
  asked('no database', 'database', ['copy']),
  asked('a mistyped database', 'did you mean shop?', ['shpo', '--to', '2026-11-01'], 'DATABASE_UNKNOWN'),
  asked('nothing to restore', '--to', ['shop']),
  asked('a snapshot and a moment', '--snapshot', ['shop', '--snapshot', 'nightly', '--to', '5m']),
  asked('a deleted instance without a snapshot', '--snapshot', ['shop', '--deleted', '--to', '5m']),
  asked('a snapshot without a name', '--snapshot', ['shop', '--snapshot', '']),
  asked('a moment that is still to come', '--to', ['shop', '--to', '2999-01-01T00:00Z']),
  asked('a moment in a time of one’s own', '--to', ['shop', '--to', '2026-11-23T03:00+01:00']),
  asked('a moment that there was not', '--to', ['shop', '--to', '2026-02-30']),
  asked('a copy for half an hour', '--keep', ['shop', '--to', '5m', '--keep', '30m']),
  asked('a copy as what there is not', 'replacement', ['shop', '--to', '5m', '--as', 'foo']),
  asked('a replacement for a time', '--keep', ['shop', '--to', '5m', '--as', 'replacement', '--keep', '2h']),
  asked('an old instance that is gone, of a copy', '--old-is-gone', ['shop', '--to', '5m', '--old-is-gone']),
  asked('later writes, of a copy', '--accept-later-writes', ['shop', '--to', '5m', '--accept-later-writes']),
  asked('a comparison without an end', '--compare-for', ['shop', '--to', '5m', '--as', 'replacement', '--compare-for', 'ever']),
  asked('an old instance kept, of a copy', '--keep-old', ['shop', '--to', '5m', '--keep-old', '14d']),
  asked('an old instance kept for half an hour', '--keep-old', [
    'shop',
    '--to',
    '5m',
    '--as',
    'replacement',
    '--keep-old',
    '30m',
  ]),
  asked('an old instance kept that is gone', '--keep-old', [
    ...['shop', '--to', '5m', '--as', 'replacement'],
    ...['--keep-old', '14d', '--old-is-gone'],
  ]),
  asked('looking at what nothing replaced', 'restore list', ['old', 'given-ended']),
  asked('in place without a snapshot', '--snapshot', ['shop', '--in-place']),
  asked('a moment in place', '--as replacement', ['shop', '--to', '5m', '--in-place']),
  asked('a replacement in place', '--as', ['shop', '--snapshot', 'nightly', '--in-place', '--as', 'replacement']),
  asked('a deleted instance in place', '--deleted', ['shop', '--snapshot', 'nightly', '--in-place', '--deleted']),
  asked('rows in place', '--rows', ['shop', '--snapshot', 'nightly', '--in-place', '--rows', 'public.orders']),
  asked('a fresh backup for half an hour', '--keep', ['shop', '--snapshot', 'nightly', '--in-place', '--keep', '30m']),
  asked(
    'a mistyped database in place',
    'did you mean shop?',
    ['shpo', '--snapshot', 'nightly', '--in-place'],
    'DATABASE_UNKNOWN',
  ),
  asked('a replacement as it will be', '--to', ['shop', '--to', '2999-01-01T00:00Z', '--as', 'replacement']),
  asked('a copy for ever', '--keep', ['shop', '--to', '5m', '--keep', '3650d']),
  asked('the access to what is not there', 'ops list', ['access', 'restore-other-k3x7qa'], 'OPERATION_UNKNOWN'),
  asked('the access to what is no restore', 'restore list', ['access', 'given-ended']),
  asked('keeping what is no restore', 'restore list', ['keep', 'given-ended', '--for', '2h']),
  asked('keeping for ever what replaced nothing', '--for', ['keep', 'given-ended', '--for', 'ever']),
  asked('keeping for no time', '--for', ['keep', 'given-ended']),
  asked('rows of a copy that is to be kept', '--keep', ['shop', '--to', '5m', '--rows', 'public.orders', '--keep', '2h']),
  asked('a predicate, and no rows', '--where', ['shop', '--to', '5m', '--where', 'id > 5']),
  asked('triggers, and no rows', '--fire-triggers', ['shop', '--to', '5m', '--fire-triggers']),
  asked('a predicate of two tables', '--where', ['shop', '--to', '5m', '--rows', 'a', '--rows', 'b', '--where', 'id > 5']),
  asked('a predicate that is a statement', '--where', [
    'shop',
    '--to',
    '5m',
    '--rows',
    'a',
    '--where',
    'true); DELETE FROM a; --',
  ]),
  asked('rows as they will be', '--to', ['shop', '--to', '2999-01-01', '--rows', 'public.orders']),
  when('a search for nothing', '--holds', []),
  when('a question that is no SQL', '--holds', ['--holds', 'is it there']),
  when('a question that deletes', 'no SELECT', ['--holds', 'DELETE FROM orders']),
  when('a question that deletes on the way', 'writes', ['--holds', 'WITH d AS (DELETE FROM a RETURNING 1) SELECT true']),
  when('a question that locks', 'writes', ['--holds', 'SELECT true FROM a FOR UPDATE']),
  when('a question of two values', 'one value', ['--holds', 'SELECT true, false']),
  when('a question of all columns', 'one value', ['--holds', 'SELECT * FROM a']),
  when('two questions', 'more than one statement', ['--holds', 'SELECT true; SELECT false']),
  when('a search that ends before it begins', '--from', ['--holds', 'SELECT true', '--from', '10m', '--to', '2h']),
  when('a search of the future', '--to', ['--holds', 'SELECT true', '--from', '2h', '--to', '2999-01-01']),
  when('a precision within a second', '--precision', ['--holds', 'SELECT true', '--precision', '10ms']),
  asked('a moment in another region', '--snapshot', ['shop', '--to', '5m', '--region', 'ap-south-1']),
  asked('a region without a name', '--region', [...COPY, '--region', '']),
  elsewhere('a region that nothing is copied to', 'none of policy.snapshotCopies', ['--region', 'us-east-1']),
  elsewhere('a mistyped region', 'did you mean ap-south-1?', ['--region', 'ap-soth-1']),
  elsewhere('a region where copies are given nothing', 'policy.snapshotCopies[0].canary', ['--region', 'eu-west-1']),
  elsewhere('the database’s own region', 'leave it out', ['--region', 'eu-central-1']),
  elsewhere('a region, where nothing is copied anywhere', 'copied nowhere', ['--region', 'eu-west-1'], FLEET),
  elsewhere('another region on Azure', 'Azure copies no backup', ['--region', 'northeurope'], AZURE_FLEET),
  elsewhere('another region on Google Cloud', 'Cloud SQL copies no backup', ['--region', 'europe-west1'], GCP_FLEET),
  elsewhere('a deleted instance in another region', '--deleted', ['--region', 'ap-south-1', '--deleted']),
  elsewhere('a replacement in another region', 'without --as replacement', ['--region', 'ap-south-1', '--as', 'replacement']),
  elsewhere('rows out of another region', '--rows', ['--region', 'ap-south-1', '--rows', 'public.orders']),
  elsewhere('another region in place', '--in-place', ['--region', 'ap-south-1', '--in-place']),
  asked('removing what is no restore', 'restore list', ['remove', 'given-ended']),
]
