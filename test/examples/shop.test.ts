import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readFleet } from '../../client/fleet/read-fleet'

const SHOP = join(__dirname, '../../examples/shop')
const names = (dir: string): string[] => readdirSync(join(SHOP, dir)).sort()
const text = (dir: string, name: string): string => readFileSync(join(SHOP, dir, name), 'utf8')

test('the dangerous and the safe migrations differ in V7 alone', () => {
  expect(names('migrations-safe')).toEqual(names('migrations'))
  const differing = names('migrations').filter((name) => text('migrations', name) !== text('migrations-safe', name))
  expect(differing).toEqual(['V7__exact_order_totals.sql'])
})

test('the third statement of the dangerous V7 stands on its third line', () => {
  expect(text('migrations', 'V7__exact_order_totals.sql').split('\n')[2]).toBe('ALTER TABLE orders ALTER total TYPE numeric;')
})

test('the fleet file is valid and declares what the story promises to check', async () => {
  const { databases } = await readFleet(join(SHOP, 'fleet.yaml'))
  const [shop] = databases
  expect(databases).toHaveLength(1)
  expect(shop?.checks.rowCounts).toHaveLength(6)
  expect(shop?.checks.invariants).toHaveLength(4)
  expect(shop?.checks.smoke.length).toBeGreaterThan(0)
  expect(shop).toMatchObject({ cloud: 'aws', canary: { securityGroups: ['sg-canary'] } })
})
