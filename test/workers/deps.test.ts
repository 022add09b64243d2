/** What a worker's activities are made from, by the queues that it serves. */
import { openLedger } from '../../ledger/ledger'
import { readConfig } from '../../workers/config'
import { createDeps } from '../../workers/deps'
import { failureOf } from '../postgres/support/apply'

const env = {
  TEMPORAL_ADDRESS: 'temporal:7233',
  CAPSTAN_LEDGER_URL: 'postgres://capstan@ledger/ledger',
  CAPSTAN_SECRET_KEY: 'ab'.repeat(32),
  CAPSTAN_SECRET_VARIABLES: 'SHOP_',
  SHOP_MASTER: 'a password',
}

/** Of a ledger that nobody asks. */
const secretOf = async (more: Readonly<Record<string, string>>) => {
  const told = { ...env, ...more }
  const ledger = openLedger({ url: env.CAPSTAN_LEDGER_URL })
  try {
    return await createDeps(readConfig(told), told, ledger).resolveSecret('env:SHOP_MASTER')
  } finally {
    await ledger.close()
  }
}

test('a cloud’s worker has the secrets of databases that it was given, and refuses others by name', async () => {
  expect(await secretOf({ CAPSTAN_TASK_QUEUES: 'aws' })).toBe('a password')
  await failureOf(secretOf({ CAPSTAN_TASK_QUEUES: 'aws', CAPSTAN_SECRET_VARIABLES: '' }), 'SECRET_UNRESOLVED')
})

test('one that only runs workflows has none', async () => {
  const control = { CAPSTAN_TASK_QUEUES: 'control', CAPSTAN_WORKFLOW_BUNDLE: '/app/bundle.js' }
  await expect(secretOf(control)).rejects.toThrow('serves only control')
})
