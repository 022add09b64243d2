/** The JSON of protocol buffers and the paths of the API, by the generated tables alone. */
import fc from 'fast-check'
import { GcpError } from '../../../lab/gcp/errors'
import { ENUMS, MESSAGES, METHODS } from '../../../lab/gcp/generated/model'
import { merged } from '../../../lab/gcp/merge'
import { type Json, type Message, type Reading, readMessage, writeMessage } from '../../../lab/gcp/protocol/json'
import { readRequest } from '../../../lab/gcp/protocol/request'
import { findRoute, PREFIXES } from '../../../lab/gcp/protocol/routes'

function read(type: string, json: Json, keepNulls = false): { message: Message; said: string[] } {
  const reading: Reading = { violations: [], keepNulls }
  const message = readMessage(type, json, '', reading)
  return { message, said: reading.violations.map(({ description }) => description) }
}

/** Any message of a type, as this lab keeps it. */
function messages(type: string, depth = 0): fc.Arbitrary<Message> {
  const fields = Object.entries(MESSAGES[type] ?? {}).flatMap(([name, of]) => {
    const value = valuesOf(of, depth)
    return value ? [[name, fc.option(value, { nil: undefined })] as const] : []
  })
  return fc.record(Object.fromEntries(fields)).map((message) => JSON.parse(JSON.stringify(message)) as Message)
}

function valuesOf(type: string, depth: number): fc.Arbitrary<Json> | undefined {
  if (type.startsWith('list ')) {
    const item = valuesOf(type.slice(5), depth + 1)
    return item && fc.array(item, { maxLength: 2 })
  }
  if (type.startsWith('map ')) return fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 })
  const names = ENUMS[type]
  if (names) {
    const set = Object.keys(names).filter((name) => names[name] !== 0)
    return set.length === 0 ? undefined : fc.constantFrom(...set)
  }
  if (MESSAGES[type]) return depth > 3 ? undefined : (messages(type, depth + 1) as fc.Arbitrary<Json>)
  if (type === 'string') return fc.string()
  if (type === 'bool' || type === 'BoolValue') return fc.boolean()
  if (type === 'int32' || type === 'Int32Value') return fc.integer()
  if (type === 'uint32') return fc.nat()
  if (type === 'int64' || type === 'Int64Value') return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)
  if (type === 'Timestamp') {
    const years = { min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true }
    return fc.date(years).map((date) => date.toISOString())
  }
  return undefined
}

test.each(['DatabaseInstance', 'Settings', 'Operation', 'BackupRun', 'InstancesCloneRequest'])(
  'a %s that is written, with names or with numbers of its enumerations, is read again as the same',
  (type) => {
    fc.assert(
      fc.property(messages(type), fc.boolean(), (message, numbers) => {
        const { message: again, said } = read(type, JSON.parse(JSON.stringify(writeMessage(type, message, numbers))) as Json)
        expect(said).toEqual([])
        expect(again).toEqual(message)
      }),
      { numRuns: 40 },
    )
  },
)

test('no JSON whatever breaks the reader: what it does not understand it says', () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 4 }),
      fc.constantFrom(...Object.keys(MESSAGES)),
      fc.boolean(),
      (json, type, keepNulls) => {
        const { message } = read(type, json as Json, keepNulls)
        for (const name of Object.keys(message)) expect(MESSAGES[type]).toHaveProperty([name])
      },
    ),
  )
})

test('integers of 64 bits are taken with and without quotes, and none beyond them', () => {
  expect(read('Settings', { dataDiskSizeGb: 20, storageAutoResizeLimit: '9223372036854775807' }).message).toEqual({
    dataDiskSizeGb: '20',
    storageAutoResizeLimit: '9223372036854775807',
  })
  for (const dataDiskSizeGb of ['9223372036854775808', '1.5', '', 1.5, true, '0x10']) {
    expect(read('Settings', { dataDiskSizeGb }).said).toHaveLength(1)
  }
})

test('what is unspecified or null says nothing, but a null in a patch', () => {
  const json = { activationPolicy: 'SQL_ACTIVATION_POLICY_UNSPECIFIED', tier: null, userLabels: { a: null, b: '' } }
  expect(read('Settings', json).message).toEqual({ userLabels: { b: '' } })
  expect(read('Settings', json, true).message).toEqual({ tier: null, userLabels: { a: null, b: '' } })
})

test('a patch adds to messages and maps, replaces lists, and changes neither of what it is given', () => {
  const before = { tier: 'a', userLabels: { x: '1' }, databaseFlags: [{ name: 'a' }], backupConfiguration: { enabled: true } }
  const frozen = JSON.stringify(before)
  const patch = { userLabels: { y: '2', x: null }, databaseFlags: [], backupConfiguration: { startTime: '01:00' } }
  expect(merged('Settings', before, patch)).toEqual({
    tier: 'a',
    userLabels: { y: '2' },
    databaseFlags: [],
    backupConfiguration: { enabled: true, startTime: '01:00' },
  })
  expect(JSON.stringify(before)).toBe(frozen)
})

test('every call of the API has one path under each prefix, and is found by it', () => {
  for (const prefix of PREFIXES) {
    for (const { name, verb, path } of METHODS) {
      const concrete = path.replace(/\{[\w.]+(?:=([^}]+))?\}/g, (_, shape = '*') => shape.replace(/\*/g, 'x'))
      expect(findRoute(verb, prefix + concrete)?.method.name).toBe(name)
    }
  }
  expect(findRoute('GET', '/v2/projects/p/instances')).toBeUndefined()
  expect(findRoute('GET', '/v1/projects/p/instances/')).toBeUndefined()
  expect(findRoute('GET', '/v1/projects//instances')).toBeUndefined()
})

test('parameters that every Google API has are taken beside a call’s own', () => {
  const route = findRoute('GET', '/v1/projects/p/instances')!
  const query = new URLSearchParams('$alt=json;enum-encoding=int&prettyPrint=true&key=k&maxResults=3&filter=a:b')
  expect(readRequest(route, query, '')).toEqual({
    fields: { project: 'p', maxResults: 3, filter: 'a:b' },
    body: {},
    enumsAsNumbers: true,
  })
  expect(() => readRequest(route, new URLSearchParams('$max=3'), '')).toThrow(GcpError)
})
