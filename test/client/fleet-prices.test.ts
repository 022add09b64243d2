import { parseFleet } from '../../client/fleet/parse-fleet'
import { smallest } from './fleet-file'

test('prices reach the databases of their region, by their digits, and limits are in their currency', () => {
  const prices = `prices:
  currency: EUR
  regions:
    - { cloud: aws, region: eu-central-1, classes: { db.m6g.large: 0.193 }, storage: 0.1, billedAtLeast: 10m, billedIn: 1s }
    - { cloud: gcp, region: europe-west3, classes: { db-custom-2-7680: 1 }, storage: 0, billedAtLeast: 1m, billedIn: 1s }
verification: { restoresPerRun: 5, moneyPerNight: 20.10, night: 10h }
`
  const capped = `${smallest}    verification: { maxCost: 2.30, volumeGib: 50 }\n`
  const { databases, verification } = parseFleet(`${capped}${prices}`, 'f')
  expect(databases[0]).toMatchObject({
    prices: {
      ...{ currency: 'EUR', classMicrosPerHour: { 'db.m6g.large': 193_000 }, storageMicrosPerGibMonth: 100_000 },
      ...{ billedSecondsMin: 600, billedSecondsStep: 1 },
    },
    verification: { costMicrosMax: 2_300_000, volumeGib: 50 },
  })
  const money = { microsPerNight: 20_100_000, currency: 'EUR', nightMs: 36_000_000 }
  expect(verification).toEqual({ restoresPerRun: 5, money })
  const elsewhere = parseFleet(`${smallest}${prices.replace('eu-central-1', 'eu-west-1').replace(', night: 10h', '')}`, 'f')
  expect([elsewhere.databases[0]!.prices, elsewhere.verification?.money?.nightMs]).toEqual([undefined, 43_200_000])
})
