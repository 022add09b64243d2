/** Which connections of the fleet file lead to an instance that was replaced. */
import { ledBy } from '../../client/old-instances'
import { samePlace } from '../../contracts/endpoint'
import { fleetEntry } from './fleet-entry'

const OLD = { host: 'stock.abc.eu-central-1.rds.amazonaws.com', port: 5433 }

const entry = (host: string | null, port: number | null) => {
  const found = fleetEntry('orders')
  const { admin, migrator } = found.connections
  return { ...found, connections: { admin, migrator: { ...migrator, host, port } } }
}
const LED = ['The fleet file leads to it: connections.migrator of orders.']

test.each([
  [OLD.host, OLD.port],
  [OLD.host, null],
  ['Stock.ABC.eu-central-1.RDS.amazonaws.com.', OLD.port],
])('a connection to %s at %s leads to it', (host, port) => {
  expect(ledBy(entry(host, port), OLD)).toEqual(LED)
})

test.each([
  [OLD.host, 5432],
  ['stock.abc.eu-central-1.rds.amazonaws.com.example.org', OLD.port],
  // where its instance is, which is named by the entry
  [null, null],
  [null, OLD.port],
])('a connection to %s at %s does not', (host, port) => {
  expect(ledBy(entry(host, port), OLD)).toEqual([])
})

test('a place is the same by name and port, however the name is written', () => {
  expect(samePlace(OLD, { ...OLD, host: `${OLD.host.toUpperCase()}.` })).toBe(true)
  expect(samePlace(OLD, { ...OLD, port: 5432 })).toBe(false)
  expect(samePlace(OLD, { ...OLD, host: 'stock' })).toBe(false)
})
