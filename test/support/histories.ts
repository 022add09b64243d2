/** Recorded histories: what running workflows must still replay after a change of their code. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils'

const FOLDER = join(__dirname, '../histories')

export function readHistory(name: string): unknown {
  return JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8'))
}

/** Stack traces name folders of the machine, and replay does not need them. */
function withoutPaths(key: string, value: unknown): unknown {
  return key === 'stackTrace' ? '' : value
}

/** Writes the history when CAPSTAN_RECORD_HISTORIES is set: `CAPSTAN_RECORD_HISTORIES=1 npx jest test/e2e/migrate.test.ts`. */
export async function recordHistory(temporal: Client, workflowId: string, name: string): Promise<void> {
  if (!process.env.CAPSTAN_RECORD_HISTORIES) return
  const history = await temporal.workflow.getHandle(workflowId).fetchHistory()
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(join(FOLDER, `${name}.json`), `${JSON.stringify(JSON.parse(historyToJSON(history)), withoutPaths)}\n`)
}
