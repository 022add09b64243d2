/** The matrix is worth something only if it turns red when a guard is missing: each is taken out of a copy of the program once. */
import { rmSync } from 'node:fs'
import { createOtherTarget, MASTER_PASSWORD, type OtherCloud } from '../support/other-clouds'
import { type Crashing, crashing } from './support/crashing'
import { type Mutation, mutant } from './support/mutant'
import { overwrittenAndBack, overwrittenOnce } from './support/overwriting'
import { partitionedApply, partitionedCanary } from './support/partition'
import { FAILS, PASSES } from './support/scenarios'

const OTHERS = { SHOP_MASTER_PASSWORD: MASTER_PASSWORD, CAPSTAN_LAB_PROFILE: 'instant' }

/** `cloud`: other than RDS. */
function without(
  what: string,
  mutation: Mutation,
  notices: (it: Crashing) => Promise<string[]>,
  violation: RegExp,
  cloud?: OtherCloud,
): void {
  describe(`without ${what}`, () => {
    let folder = ''
    const it = crashing(
      () => {
        folder = mutant(mutation)
        return { clone: folder, ...(cloud && { env: OTHERS }) }
      },
      cloud && ((capstan) => createOtherTarget(cloud, capstan)),
    )
    afterAll(() => rmSync(folder, { recursive: true, force: true }))

    test('the matrix turns red', async () => {
      expect((await notices(it)).join('\n')).toMatch(violation)
    })
  })
}

without(
  'the fence check',
  {
    file: 'postgres/migrate/fence.js',
    find: 'if (compareTokens(token, standing) >= 0)',
    put: 'if (token !== standing)',
  },
  (it) => partitionedApply(it, 'unfenced'),
  /scripts in the history: found .*V2__colour.sql/,
)

without(
  'adopting what is ours',
  { file: 'clouds/aws/snapshots.js', find: 'AlreadyExists`)', put: 'NeverExists`)' },
  (it) =>
    it.cell(PASSES, 'unadopted', {
      before: async () => void (await it.lab.order({ kind: 'drop-response', operation: 'CreateDBSnapshot' })),
      after: () => it.lab.withdrawAll(),
    }),
  /it ended failed/,
)

without(
  'the undo of the canary',
  {
    file: 'workflow-bundle.js',
    find: "await act.undoing.startCanaryRemoval(ref('canary'));\n            await act.undoWaiting.awaitCanaryRemoval(ref('canary'));",
    put: '',
  },
  (it) => it.cell(FAILS, 'not-undone'),
  /cap-not-undone-canary was left/,
)

without(
  'the question before a change in the cloud',
  { file: 'clouds/aws/client.js', find: 'await options.mayChange();', put: '' },
  (it) => partitionedCanary(it, 'unasked'),
  /cap-unasked-canary is in the cloud and not in the ledger/,
)

without(
  'adopting the overwriting that was begun',
  { file: 'clouds/gcp/overwriting.js', find: 'if (newest !== undefined && why === null)', put: 'if (false)' },
  (it) => overwrittenOnce(it, 'unadopted-one'),
  /the instance was overwritten \d+ times/,
  'gcp',
)

const [FENCED, BACKED_UP] = ['prepare_1.fence)(overwriting, planned);', 'prepare_1.takeFreshBackup)(overwriting, planned);']

without(
  'the fence before the fresh backup',
  {
    file: 'workflow-bundle.js',
    find: `await (0, ${FENCED}\n    const snapshot = await (0, ${BACKED_UP}`,
    put: `const snapshot = await (0, ${BACKED_UP}\n    await (0, ${FENCED}`,
  },
  (it) => overwrittenAndBack(it, 'backed-up-first'),
  /the way back lacks the acknowledged commit/,
  'gcp',
)
