import { setTimeout as sleep } from 'node:timers/promises'
import { openLedger } from '../../ledger/ledger'
import { failureOf } from '../postgres/support/apply'
import { ASK, startAskingServer } from '../postgres/support/asking-server'

test("the ledger's password never leaves in clear text over a connection that is not encrypted", async () => {
  const stranger = await startAskingServer([ASK.clearText])
  const ledger = openLedger({ url: `postgres://ann:open-sesame-4711@127.0.0.1:${stranger.port}/ledger` })
  const refused = await failureOf(ledger.listOperations({ limit: 5 }), 'PASSWORD_WITHHELD')
  await sleep(100)

  expect(refused.message).not.toContain('open-sesame-4711')
  expect(stranger.answers()).toHaveLength(0)
  await ledger.close()
  await stranger.close()
})
