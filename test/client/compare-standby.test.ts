/** Who has a standby compared is told what that came to, and nothing older. */
import { compareStandby } from '../../client/compare-standby'
import type { ComparisonTold, StandbyComparisons, StandbyRecord } from '../../contracts/standby'

const at = (minutes: number): string => new Date(Date.UTC(2026, 10, 30, 9, minutes)).toISOString()
const told = (minutes: number): ComparisonTold => ({
  ...{ startedAt: at(minutes), endedAt: at(minutes + 1), verdict: 'equal', tables: 1 },
  ...{ differing: [], tablesDiffering: 0, left: [], tablesLeft: 0 },
})
const record = (compared: Partial<StandbyComparisons>) =>
  ({
    ...{ source: 'shop', target: 'shop-azure', state: 'following' },
    compared: { since: at(0), askedAt: null, running: null, last: null, equalAt: null, ...compared },
  }) as StandbyRecord

test('a comparison that one table copied anew put an end to is waited for until it was done again', async () => {
  const former = told(1)
  const words = [
    record({ running: { since: at(5), tables: 3, tablesDone: 1 }, last: former }),
    // swallowed, and then asked for again
    record({ last: former }),
    record({ askedAt: at(6), last: former }),
    record({ last: told(7) }),
  ]
  const ledger = {
    listStandbys: async () => [record({ last: former })],
    noteComparison: async () => record({ askedAt: at(4), last: former }),
    getStandby: async () => words.shift() ?? null,
  }
  const asked = { source: 'shop', standby: null, onChange: () => undefined, signal: new AbortController().signal }
  expect(await compareStandby(ledger, asked)).toEqual(told(7))
})
