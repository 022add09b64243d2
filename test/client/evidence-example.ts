/** Evidence with something of everything that the page draws. `text` stands wherever somebody's words stand. */
import type { EvidenceDocument } from '../../ledger/evidence-document'
import type { VerificationRun } from '../../ledger/verifications'

const at = (second: number): string => new Date(Date.UTC(2026, 10, 23, 3, 0, second)).toISOString()

export function evidenceExample(text: string): EvidenceDocument {
  const script = `V1__${text}.sql`
  const step = { state: 'done', attempts: 1 } as const
  const finding = { rule: text, message: text, script, line: 3, sql: text }
  const lock = { relation: `public.${text}`, sampled: false } as const
  const check = { id: text, title: text, measured: 7, allowed: text, durationMs: 4 } as const
  return {
    version: 1,
    at: at(60),
    operation: {
      version: 1,
      id: 'migrate-shop-abc234',
      kind: 'migrate',
      databases: [text],
      status: 'failed',
      verdict: 'fail',
      requestedBy: text,
      startedAt: at(0),
      finishedAt: null,
      steps: [
        { ...step, id: 'plan', title: text, startedAt: at(0), finishedAt: at(2), detail: { summary: text } },
        {
          ...step,
          id: 'approve',
          title: 'Wait',
          startedAt: at(2),
          finishedAt: at(5),
          detail: { summary: `approved by ${text}` },
        },
        {
          ...step,
          id: 'apply',
          title: 'Apply',
          attempts: 3,
          startedAt: at(5),
          finishedAt: at(50),
          detail: { findings: [finding] },
        },
        { ...step, id: 'canary', title: 'Canary', state: 'undo-failed', startedAt: at(50), finishedAt: null, detail: {} },
      ],
      evidence: null,
      failure: { code: text, message: text },
      planDigest: 'd'.repeat(64),
    },
    request: {
      mode: 'plan',
      bundle: 'b'.repeat(64),
      cloud: text,
      account: text,
      region: text,
      instance: text,
      database: text,
      environment: text,
      policy: {
        approval: 'required',
        limits: { writeBlockMsMax: 500, rewriteRowsMax: 10_000, statementMsMax: 600_000, walBytesMax: 1024 ** 3 },
        lockTimeoutMs: 500,
        lockAttempts: 20,
        bakeSeconds: 5,
        snapshotRetentionHours: 168,
      },
    },
    resources: [
      {
        operation: 'migrate-shop-abc234',
        cloud: text,
        kind: text,
        name: text,
        createdAt: at(3),
        expiresAt: null,
        removedAt: null,
      },
    ],
    documents: {
      plan: {
        version: 1,
        digest: 'd'.repeat(64),
        bundle: 'b'.repeat(64),
        instanceId: text,
        engineVersion: text,
        history: 'e'.repeat(64),
        historyRows: 0,
        fingerprint: 'f'.repeat(64),
        current: text,
        target: text,
        pending: [
          {
            script,
            version: '1',
            description: text,
            checksum: 1,
            statements: [{ index: 0, line: 3, kind: text, sql: text, transactional: false }],
          },
        ],
      },
      rehearsal: {
        canary: text,
        records: [
          {
            script,
            index: 0,
            line: 3,
            sql: text,
            kind: text,
            durationMs: 2_140,
            walBytes: 8_895_576,
            locks: [
              { ...lock, mode: 'ACCESS EXCLUSIVE', heldMs: 2_100 },
              { ...lock, mode: 'SHARE', heldMs: 40 },
              { ...lock, mode: 'ROW EXCLUSIVE', heldMs: 12, sampled: true },
            ],
            rewrites: [{ relation: `public.${text}`, rows: 300_214 }],
          },
        ],
        durationMs: 2_140,
        walBytes: 8_895_576,
        writesPerSecond: { [`public.${text}`]: 100 },
        schema: { fingerprint: 'a'.repeat(64) },
      },
      'checks-canary': { results: [{ ...check, kind: 'invariant', ok: false, message: text }] },
      apply: { applied: [script], current: text, healedIndexes: [text], invalidIndexes: [text] },
      'checks-target': {
        results: [{ ...check, kind: 'fingerprint', measured: null, ok: true, message: text }],
      },
      ...{ 'of another kind': { text } },
    },
  }
}

/** Runs with something of everything that the history draws, newest first. */
export function historyExample(text: string): VerificationRun[] {
  const objectives = { rpoMs: 60_000, rtoMs: 2_000 }
  const point = { kind: 'snapshot', snapshot: text, createdAt: null } as const
  const about = { startedAt: at(0), objectives } as const
  const failure = { code: text, message: text }
  return [
    {
      ...{ ...about, operation: text, status: 'succeeded', failure: null, point, instanceId: `${text}2` },
      verification: {
        ...{ version: 1, operation: text, database: text, instance: text, instanceId: text, point, ladder: [], objectives },
        ...{ rpoMs: 5, rto: { provisionMs: 9, verifyMs: 9_000, totalMs: 9_009 }, proven: true, verdict: 'fail', judgedAt: at(9) },
      },
    },
    { ...about, operation: `${text}1`, status: 'failed', failure, point, instanceId: `${text}1`, verification: null },
    {
      ...about,
      operation: `${text}0`,
      status: 'aborted',
      failure,
      point: null,
      instanceId: null,
      objectives: null,
      verification: null,
    },
  ]
}
