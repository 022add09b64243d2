/** The lab's name service, over UDP and TCP, for what the simulated clouds' zones have published; and that it outlives a restart. */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { Route53 } from '@aws-sdk/client-route-53'
import { openZone, resolverOf, type ZoneUnderTest } from '../conformance/names/zones'
import { openLab, slowly, type TestLab } from './fixture'

let lab: TestLab
let zone: ZoneUnderTest
beforeAll(async () => {
  lab = await openLab()
  zone = await openZone(lab, 'aws')
})
afterAll(() => lab?.remove())

const eventually = async (look: () => Promise<unknown>, wanted: unknown): Promise<void> => {
  while (JSON.stringify(await look().catch(({ code }) => code)) !== JSON.stringify(wanted))
    await new Promise((done) => setTimeout(done, 10))
}

/** As RFC 1035 has a question for an A. */
function question(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]))
  return Buffer.concat([Buffer.from([1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), ...labels, Buffer.from([0, 0, 1, 0, 1])])
}

test('answers for the zones of every cloud, follows aliases within them, and says where there is nothing', async () => {
  const gcp = await openZone(lab, 'gcp')
  await zone.put('one.aws.example', { type: 'A', values: ['127.0.0.1'], ttl: 7 })
  await gcp.put('two.gcp.example', { type: 'CNAME', values: ['one.aws.example'] })
  await gcp.put('out.gcp.example', { type: 'CNAME', values: ['one.elsewhere.example'] })
  const resolver = resolverOf(lab)
  await eventually(() => resolver.resolve4('two.gcp.example'), ['127.0.0.1'])
  await eventually(() => resolver.resolveCname('out.gcp.example'), ['one.elsewhere.example'])
  expect(await resolver.resolve4('ONE.aws.Example', { ttl: true })).toEqual([{ address: '127.0.0.1', ttl: 7 }])
  expect(await resolver.resolveCname('two.gcp.example')).toEqual(['one.aws.example'])
  await expect(resolver.resolve4('none.aws.example')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  await expect(resolver.resolve6('one.aws.example')).rejects.toMatchObject({ code: 'ENODATA' })
  await expect(resolver.resolve4('www.elsewhere.example')).rejects.toMatchObject({ code: 'EREFUSED' })
})

test('answers the same over TCP, several questions of one connection too, and nothing that is no question', async () => {
  await zone.put('tcp.aws.example', { type: 'A', values: ['127.0.0.9'] })
  await eventually(() => resolverOf(lab).resolve4('tcp.aws.example'), ['127.0.0.9'])
  const { host, port } = lab.lab.nameService
  const asked = question('tcp.aws.example')
  const framed = Buffer.concat([Buffer.from([0, asked.length]), asked])
  const socket = connect({ host, port })
  const answers = await new Promise<Buffer>((resolve, reject) => {
    let heard = Buffer.alloc(0)
    socket.once('error', reject).on('data', (data) => {
      heard = Buffer.concat([heard, data])
      const [length] = [heard.length >= 2 ? heard.readUInt16BE(0) : 0]
      if (length > 0 && heard.length >= 2 * (2 + length)) resolve(heard)
    })
    // cut in the middle, as a network may
    socket.write(framed.subarray(0, 5))
    setTimeout(() => socket.write(Buffer.concat([framed.subarray(5), framed])), 20)
  })
  expect(answers.subarray(2, 4)).toEqual(Buffer.from([1, 2]))
  expect([...answers.subarray(answers.length - 4)]).toEqual([127, 0, 0, 9])
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.write(Buffer.from([0, 3, 1, 2, 3]))
  await closed
  const udp = createSocket('udp4')
  const heard = new Promise<Buffer>((resolve) => udp.once('message', resolve))
  for (const nothing of [Buffer.alloc(0), Buffer.from([1]), Buffer.alloc(600, 0xff), asked.subarray(0, 20)])
    udp.send(nothing, port, host)
  udp.send(asked, port, host)
  expect((await heard).subarray(0, 2)).toEqual(Buffer.from([1, 2]))
  udp.close()
})

test('is a while behind what a zone’s API says, which says so, and is where it was after the lab was started again', async () => {
  const { host, port } = lab.lab.nameService
  await zone.put('late.aws.example', { type: 'A', values: ['127.0.0.1'] })
  await eventually(() => resolverOf(lab).resolve4('late.aws.example'), ['127.0.0.1'])
  const options = { signal: new AbortController().signal, mayChange: async () => {} }
  await slowly(lab, async () => {
    const from = await zone.port.lookUp('late.aws.example', options)
    const change = { name: 'late.aws.example', from, to: { type: 'A', value: '127.0.0.2' } as const, ttlSeconds: 1 }
    const done = await zone.port.change(change, options)
    const pending = done.changed ? done.pending : null
    expect(await zone.port.lookUp('late.aws.example', options)).toMatchObject({ value: '127.0.0.2' })
    expect(await zone.port.isPublished(pending ?? '', options)).toBe(false)
    expect(await resolverOf(lab).resolve4('late.aws.example')).toEqual(['127.0.0.1'])
    await lab.restart()
    expect(lab.lab.nameService).toEqual({ host, port })
    expect(await resolverOf(lab).resolve4('late.aws.example')).toEqual(['127.0.0.2'])
    expect((await lab.call('GET', '/_lab/status')).body).toMatchObject({ nameService: { host, port } })
  })
})

test('Route 53 signs, refuses and lists as in life; a reset leaves no zone', async () => {
  const { api: endpoint, credentials } = lab.lab
  const own = new Route53({ region: 'us-east-1', endpoint, credentials: { ...credentials.aws } })
  const stranger = { ...credentials.aws, secretAccessKey: 'another' }
  const other = new Route53({ region: 'us-east-1', endpoint, credentials: stranger, maxAttempts: 1 })
  await expect(other.listHostedZones({})).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' })
  const [found] = (await own.listHostedZones({})).HostedZones ?? []
  const HostedZoneId = found?.Id ?? ''
  await expect(own.getHostedZone({ Id: 'ZNONE' })).rejects.toMatchObject({ name: 'NoSuchHostedZone' })
  await expect(own.deleteHostedZone({ Id: HostedZoneId })).rejects.toMatchObject({ name: 'HostedZoneNotEmpty' })
  const record = (Name: string, Value: string) => ({ Name, Type: 'A' as const, TTL: 1, ResourceRecords: [{ Value }] })
  const batch = (...sets: ['CREATE' | 'DELETE', ReturnType<typeof record>][]) => {
    const Changes = sets.map(([Action, ResourceRecordSet]) => ({ Action, ResourceRecordSet }))
    return own.changeResourceRecordSets({ HostedZoneId, ChangeBatch: { Changes } })
  }
  await batch(['CREATE', record('b.aws.example', '127.0.0.1')])
  // all of it or nothing
  const half = batch(['CREATE', record('c.aws.example', '127.0.0.1')], ['DELETE', record('b.aws.example', '127.0.0.2')])
  await expect(half).rejects.toMatchObject({
    name: 'InvalidChangeBatch',
    message: expect.stringContaining('values provided do not match'),
  })
  const start = { HostedZoneId, StartRecordName: 'b.aws.example', MaxItems: 1 }
  expect(await own.listResourceRecordSets(start)).toMatchObject({
    ResourceRecordSets: [{ Name: 'b.aws.example.' }],
    IsTruncated: true,
  })
  const all = await own.listResourceRecordSets({ HostedZoneId })
  expect(all.ResourceRecordSets?.map(({ Name }) => Name)).not.toContain('c.aws.example.')
  await lab.call('POST', '/_lab/reset')
  expect((await own.listHostedZones({})).HostedZones).toEqual([])
  await expect(resolverOf(lab).resolve4('b.aws.example')).rejects.toMatchObject({ code: 'EREFUSED' })
})
