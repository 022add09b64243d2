/** The step record. The ledger holds it, with the attempts and live detail that activities add there; the progress query and Temporal's
 *  current details show what the workflow knows of it. Written in a non-cancellable scope, because an abort must be on the record too.
 *  The ledger being away is waited for. A ledger that refuses stops a step before it begins, and nothing else: no undo and no release is
 *  left out because it could not be written down. */
import { defineSearchAttributeKey } from '@temporalio/common'
import {
  CancellationScope,
  defineQuery,
  log,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow'
import type { LedgerActivities } from '../../activities/ledger/contract'
import { type Progress, QUERIES, SEARCH_ATTRIBUTES } from '../../contracts/messages'
import type {
  FailureRecord,
  OperationId,
  OperationStatus,
  Sha256,
  StepDetail,
  StepRecord,
  StepState,
  Verdict,
} from '../../contracts/operation'
import { failureRecord, isDefect } from './failures'
import { RECORD } from './proxies'

const ledger = proxyLocalActivities<Pick<LedgerActivities, 'recordStep' | 'recordStatus'>>(RECORD)
const statusAttribute = defineSearchAttributeKey(SEARCH_ATTRIBUTES.status, 'KEYWORD')

const MARK: Record<StepState, string> = {
  running: '▶',
  done: '✔',
  failed: '✘',
  cancelled: '◼',
  undoing: '↺',
  undone: '↺',
  'undo-failed': '⚠',
  'undo-skipped': '⚠',
}

export class OperationRecord {
  private readonly steps: StepRecord[] = []
  private status: OperationStatus = 'running'
  private verdict: Verdict | null = null
  private closing = false

  constructor(private readonly operation: OperationId) {
    setHandler(defineQuery<Progress>(QUERIES.progress), () => ({ status: this.status, verdict: this.verdict, steps: this.steps }))
  }

  get currentStatus(): OperationStatus {
    return this.status
  }

  /** Starts the step's record. A step runs once: what repeats lies inside it. */
  async begin(id: string, title: string, detail: StepDetail = {}): Promise<void> {
    const again = this.steps.findIndex((step) => step.id === id)
    if (again >= 0) throw new Error(`step ${id} was begun twice`)
    this.steps.push({
      id,
      title,
      state: 'running',
      attempts: 1,
      startedAt: new Date().toISOString(),
      finishedAt: null,
      detail,
    })
    await this.write(id)
  }

  has(id: string): boolean {
    return this.steps.some((step) => step.id === id)
  }

  /** The record is closing: from here on even a step that cannot be written down takes place. */
  beginClosing(): void {
    this.closing = true
  }

  async update(id: string, state: StepState, detail: StepDetail): Promise<void> {
    const at = this.steps.findIndex((step) => step.id === id)
    const step = this.steps[at]
    if (step === undefined) throw new Error(`step ${id} was never begun`)
    const finishedAt = state === 'running' || state === 'undoing' ? null : new Date().toISOString()
    this.steps[at] = { ...step, state, finishedAt, detail: { ...step.detail, ...detail } }
    await this.write(id)
  }

  async setStatus(
    status: OperationStatus,
    more: { verdict?: Verdict | null; failure?: FailureRecord | null; planDigest?: Sha256; final?: boolean } = {},
  ): Promise<void> {
    const { final = false, ...fields } = more
    await this.unlessRefused(() =>
      ledger.recordStatus({
        operation: this.operation,
        status,
        ...fields,
        ...(final ? { finishedAt: new Date().toISOString() } : {}),
      }),
    )
    this.status = status
    if (more.verdict !== undefined) this.verdict = more.verdict
    upsertSearchAttributes([{ key: statusAttribute, value: status }])
    this.show()
  }

  private async write(id: string): Promise<void> {
    this.show()
    const sequence = this.steps.findIndex((step) => step.id === id)
    const record = this.steps[sequence]
    if (record === undefined) return
    const write = () => ledger.recordStep({ operation: this.operation, sequence, record })
    const begins = record.state === 'running' && !this.closing
    await (begins ? CancellationScope.nonCancellable(write) : this.unlessRefused(write))
  }

  private async unlessRefused(write: () => Promise<void>): Promise<void> {
    try {
      await CancellationScope.nonCancellable(write)
    } catch (error) {
      if (isDefect(error)) throw error
      log.error('the ledger refused a record', { operation: this.operation, reason: failureRecord(error).message })
    }
  }

  private show(): void {
    const lines = this.steps.map(({ state, title, detail }) => `- ${MARK[state]} **${title}** ${detail.summary ?? ''}`)
    setCurrentDetails([`Status: **${this.status}**`, '', ...lines].join('\n'))
  }
}
