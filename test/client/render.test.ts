import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { outcomeLines } from '../../client/cli/render/outcome'
import { planLines } from '../../client/cli/render/plan'
import { cutTo, wrap } from '../../client/cli/render/quoted'
import { stepTree } from '../../client/cli/render/steps'
import { exitOfOperation } from '../../client/exit-codes'
import { meantBy } from '../../client/find-operation'
import { findingsOf } from '../../client/findings'
import { parseFleet } from '../../client/fleet/parse-fleet'
import { newOperationId, parseOperationId } from '../../client/operation-id'
import { bytes, chosenBytes, chosenDuration, duration } from '../../client/quantities'
import { FAILURE_KINDS, FAILURES, type FailureCode } from '../../contracts/failures'
import type { MigrationPlan } from '../../contracts/migrate'
import { OPERATION_ID_PATTERN, type OperationDocument, type StepRecord } from '../../contracts/operation'

const paint = (_style: string, text: string): string => text
const at = (second: number): string => new Date(Date.UTC(2026, 10, 23, 3, 0, second)).toISOString()
const step: StepRecord = {
  id: 'plan',
  title: 'Plan',
  state: 'done',
  attempts: 1,
  startedAt: at(1),
  finishedAt: at(2),
  detail: {},
}
const operation: OperationDocument = {
  version: 1,
  id: 'migrate-shop-abc234',
  kind: 'migrate',
  databases: ['shop'],
  status: 'running',
  verdict: null,
  requestedBy: 'ada',
  startedAt: at(0),
  finishedAt: null,
  steps: [],
  evidence: null,
  failure: null,
  planDigest: null,
}

describe('exit codes', () => {
  test('a failed operation ends with the code of its failure’s kind', () => {
    for (const code of Object.keys(FAILURES) as FailureCode[]) {
      const failed: OperationDocument = { ...operation, status: 'failed', failure: { code, message: '' } }
      expect(exitOfOperation(failed)).toBe(FAILURE_KINDS[FAILURES[code]].exit)
    }
  })

  test.each([
    [{ status: 'succeeded', verdict: 'pass' }, 0],
    [{ status: 'planned' }, 0],
    [{ status: 'failed', verdict: 'fail' }, 1],
    [{ status: 'failed', failure: { code: 'SOMETHING_NEW', message: '' } }, 70],
    [{ status: 'rejected' }, 7],
    [{ status: 'aborted' }, 7],
    [{ status: 'aborted', failure: { code: 'OPERATION_ABORTED', message: '' } }, 7],
    [{ status: 'awaiting-approval' }, 8],
    [{ status: 'needs-operator' }, 6],
    [{ status: 'running' }, 0],
  ] as const)('%j exits %i', (over, exit) => {
    expect(exitOfOperation({ ...operation, ...over })).toBe(exit)
  })
})

describe('the step tree', () => {
  test('times of finished steps stand, those of running ones grow', () => {
    const steps = [
      step,
      { ...step, id: 'apply', title: 'Apply to the target', state: 'running', finishedAt: null, attempts: 2 },
    ] as const
    const view = { paint, columns: 100, now: Date.parse(at(7)), standing: false }
    expect(stepTree({ ...operation, steps }, view)).toEqual([
      'migrate shop · migrate-shop-abc234 · running · 7.0 s',
      '  ✔ Plan                    1.0 s',
      '  ▶ Apply to the target     6.0 s   attempt 2',
    ])
  })

  test('no line is wider than the terminal, and nothing in a text can move the cursor', () => {
    const text = fc.string({ unit: 'binary', maxLength: 200 })
    fc.assert(
      fc.property(text, text, text, fc.integer({ min: 60, max: 200 }), (summary, message, sql, columns) => {
        const findings = [{ rule: 'rewrite', message, script: 'V1__a.sql', line: 3, sql }]
        const steps: StepRecord[] = [{ ...step, detail: { summary, findings } }]
        for (const line of stepTree({ ...operation, steps }, { paint, columns, now: 0, standing: false })) {
          expect(line.length).toBeLessThanOrEqual(columns)
          expect(line).not.toMatch(/\p{Cc}/u)
        }
      }),
    )
  })

  test('a finding that two steps tell is told once at the end', () => {
    const detail = { findings: [{ rule: 'rewrite', message: 'rewrites 5 rows' }] }
    const failed: OperationDocument = {
      ...operation,
      status: 'failed',
      verdict: 'fail',
      finishedAt: at(9),
      steps: [
        { ...step, detail },
        { ...step, id: 'judge', detail },
      ],
    }
    expect(findingsOf(failed)).toHaveLength(1)
    expect(outcomeLines(failed, { paint, columns: 100, historyUrl: null })).toEqual([
      '✘ migrate-shop-abc234 failed after 9.0 s: 1 finding',
    ])
  })
})

describe('the plan', () => {
  const entry = parseFleet(readFileSync(join(__dirname, 'fleet-example.yaml'), 'utf8'), 'fleet.yaml').databases[0]!
  const statement = {
    index: 0,
    line: 3,
    kind: 'CREATE INDEX CONCURRENTLY',
    sql: 'CREATE INDEX\n  CONCURRENTLY i ON orders (id)',
    transactional: false,
  }
  const plan: MigrationPlan = {
    version: 1,
    digest: 'd'.repeat(64),
    bundle: 'b'.repeat(64),
    instanceId: 'db-X',
    engineVersion: '15.18',
    history: 'h'.repeat(64),
    historyRows: 2,
    fingerprint: 'f'.repeat(64),
    current: '2',
    target: '3',
    pending: [{ script: 'V3__i.sql', version: '3', description: 'i', checksum: 1, statements: [statement] }],
  }

  test('every statement is shown with its place, kind and mode, then limits, checks and the steps to come', () => {
    const lines = planLines(plan, entry, { paint, columns: 200 })
    expect(lines).toEqual(
      expect.arrayContaining([
        '    V3__i.sql:3  CREATE INDEX CONCURRENTLY  outside a transaction',
        '      CREATE INDEX CONCURRENTLY i ON orders (id)',
      ]),
    )
    expect(lines.join('\n')).toMatch(
      /limits: writes blocked at most 500 ms, rows rewritten at most 10,000, a statement at most 10 min, WAL at most 1 GiB/,
    )
    expect(lines.join(' ')).toMatch(/Wait for an approval → +Snapshot the target/)
    expect(lines.join(' ')).not.toContain('standby')
  })

  test('where standbys follow, what each gets is shown, and what of each file', () => {
    const [script] = plan.pending
    const left = { instanceId: null, line: null, fingerprint: null }
    const standbys = [
      { ...left, standby: 'shop-azure', does: 'carry-over' as const, why: null, waitsMsMax: 1_200_000 },
      { ...left, standby: 'shop-gcp', does: 'wait' as const, why: 'it is paused' },
    ]
    const text = planLines({ ...plan, pending: [{ ...script!, onStandbys: 'free' }], standbys }, entry, {
      paint,
      columns: 200,
    }).join('\n')
    expect(text).toContain('V3__i.sql  on standbys too, while rows come in')
    expect(text).toContain('standby shop-azure: gets each file after this database, is waited for at each for 20 min at most\n')
    expect(text).toContain('standby shop-gcp: waits at its line, since it is paused')
    expect(text).toMatch(/Apply to the target → +Carry over to the standbys → +Verify the target/)
  })

  test('where nothing is pending it says which standby lacks what', () => {
    const standbys = [
      {
        ...{ instanceId: null, line: null, fingerprint: null },
        standby: 'shop-gcp',
        does: 'carry-over' as const,
        why: 'it lacks V2__x.sql',
      },
    ]
    const text = planLines({ ...plan, pending: [], standbys }, entry, { paint, columns: 200 }).join('\n')
    expect(text).toContain('standby shop-gcp: is brought to where this database is, since it lacks V2__x.sql')
  })

  test('an empty plan names no steps', () => {
    const lines = planLines({ ...plan, pending: [], target: null }, entry, { paint, columns: 100 })
    expect(lines.join('\n')).toContain('nothing is pending')
    expect(lines.join('\n')).not.toContain('steps to come')
  })
})

test('an id that was mistyped or shortened is told from one that was never there', () => {
  const known = ['migrate-shop-abc234', 'migrate-shop-xyz567', 'migrate-till-abc234']
  expect(meantBy('migrate-shop-abc243', known)).toBe('migrate-shop-abc234')
  expect(meantBy('xyz567', known)).toBe('migrate-shop-xyz567')
  expect(meantBy('abc234', known)).toBeNull()
  expect(meantBy('migrate-shop-qqqqqq', known)).toBeNull()
  expect(meantBy('migrate-till', known)).toBe('migrate-till-abc234')
})

describe('quantities', () => {
  test('times, limits and sizes read as people write them', () => {
    expect([40, 4_100, 59_960, 200_000, 7_500_000].map(duration)).toEqual(['40 ms', '4.1 s', '1 min', '3 min 20 s', '2 h 5 min'])
    expect([0, 500, 1_000, 600_000].map(chosenDuration)).toEqual(['0 ms', '500 ms', '1 s', '10 min'])
    expect([0, 1023, 1536, 2_500_000, 1024 ** 3].map(bytes)).toEqual(['0 B', '1 kB', '1.5 kB', '2.5 MB', '1.1 GB'])
    expect([0, 1023, 1_000_000, 1536 * 1024, 1024 ** 3].map(chosenBytes)).toEqual(['0 B', '1 kB', '1 MB', '1,536 KiB', '1 GiB'])
  })

  test('wrapped text keeps its words', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1 }).filter((word) => !word.includes(' '))),
        fc.integer({ min: 10, max: 40 }),
        (words, width) => {
          expect(wrap(words.join(' '), width).join(' ')).toBe(words.join(' '))
        },
      ),
    )
    expect(cutTo('a long line', 6)).toBe('a lon…')
  })
})

test('every generated operation id is legal, whatever the database is called', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z][a-z0-9-]{0,39}$/), (name) => {
      const id = newOperationId('migrate', name)
      return OPERATION_ID_PATTERN.test(id) && parseOperationId(id) === id
    }),
  )
})
