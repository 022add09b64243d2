import { parseFleet } from '../../client/fleet/parse-fleet'
import { refusal, smallest } from './fleet-file'

describe('the endpoint of a database', () => {
  const withEndpoint = (endpoint: string) => `${smallest}    endpoint: ${endpoint}\n`
  const read = (endpoint: string) => parseFleet(withEndpoint(endpoint), 'fleet.yaml').databases[0]?.endpoint

  test('is of one kind, with what belongs to it', () => {
    expect(parseFleet(smallest, 'fleet.yaml').databases[0]).not.toHaveProperty('endpoint')
    expect(read('{ kind: none }')).toEqual({ kind: 'none' })
    expect(read('{ kind: lab-router, name: shop }')).toEqual({ kind: 'lab-router', name: 'shop' })
    const command = { kind: 'command', move: ['move-it', 'shop'], check: ['where-is.sh'] }
    expect(read('{ kind: command, move: [move-it, shop], check: [where-is.sh] }')).toEqual({ ...command, timeoutMs: 60_000 })
    expect(read('{ kind: command, move: [move-it, shop], check: [where-is.sh], timeout: 5s }')).toMatchObject({
      timeoutMs: 5_000,
    })
  })

  test.each([
    ['{ kind: command, move: [move-it] }', 'it must be kind: command with move and check, and a timeout or not'],
    ['{ kind: lab-router, name: shop, move: [move-it] }', 'it must be kind: lab-router with name, and nothing else'],
    ['{ kind: none, name: shop }', 'it must be kind: none and nothing else'],
    ['{ kind: dns }', 'endpoint.kind is "dns"; it must be none, command or lab-router'],
    [
      '{ kind: command, move: [/bin/sh, -c, ls], check: [c] }',
      'endpoint.move[0] is "/bin/sh"; it must be the file name of a program',
    ],
    ['{ kind: command, move: [m], check: [../c] }', 'endpoint.check[0] is "../c"; it must be the file name of a program'],
    [
      '{ kind: command, move: [], check: [c] }',
      'endpoint.move is an empty list; it must be a list that begins with the file name',
    ],
    [
      '{ kind: command, move: [m], check: [c], timeout: 1h }',
      'endpoint.timeout is "1h"; it must be whole milliseconds, at most 10m',
    ],
  ])('%s is refused', (endpoint, said) => {
    expect(refusal(withEndpoint(endpoint))).toEqual([expect.stringContaining(said)])
  })
})
