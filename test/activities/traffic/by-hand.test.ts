/** Poolers that are moved by hand: whoever a switchover left waiting goes on where writing is, and one that is silent keeps no other. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { leadByHand } from '../../../activities/traffic/by-hand'
import type { BreakGlassDeed } from '../../../contracts/break-glass'
import { describeWithPgBouncer, type TestPooler } from '../../support/pgbouncer'
import { DATABASE, Poolers, USERS } from './poolers'

describeWithPgBouncer('poolers, moved by hand', () => {
  let it: Poolers
  let one: TestPooler
  let two: TestPooler
  beforeAll(async () => {
    it = await Poolers.start()
    await it.lead(it.old.at)
    ;[one, two] = await Promise.all([it.pooler('one'), it.pooler('two')])
  })
  afterAll(() => it?.stop())

  const led = (deed: BreakGlassDeed, isCurrent = async () => true) =>
    leadByHand(
      { endpoints: { commands: null, labRouter: null, poolerFiles: it.folder }, resolveSecret: async () => USERS.boss },
      {
        ...{ operation: 'op-one', deed, database: { name: 'shop', endpoint: it.endpoint([one, two]) } },
        ...{ from: it.old.at, to: it.fresh.at },
      },
      { isCurrent, signal: new AbortController().signal, log: () => undefined, patienceMs: 200 },
    )
  const program = async (...lines: string[]) => {
    await writeFile(join(it.folder, 'write'), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 })
    const target = { by: 'program', write: ['write'], timeoutMs: 5_000 } as const
    return leadByHand(
      {
        endpoints: { commands: { folder: it.folder, path: process.env.PATH ?? '' }, labRouter: null },
        resolveSecret: async () => USERS.boss,
      },
      {
        ...{ operation: 'op-one', deed: 'finish', database: { name: 'shop', endpoint: { ...it.endpoint([one, two]), target } } },
        ...{ from: it.old.at, to: it.fresh.at },
      },
      { isCurrent: async () => true, signal: new AbortController().signal, log: () => undefined, patienceMs: 200 },
    )
  }
  const held = async () => {
    const client = await it.client(one)
    await client.query('SELECT 1')
    for (const pooler of [one, two]) await it.admin(pooler, `PAUSE "${DATABASE}"`)
    return { answer: client.query('SELECT inet_server_port() AS port') }
  }

  test('both are led to the standby and back, and who waited goes on there', async () => {
    const { answer } = await held()
    expect(await led('finish')).toEqual({ moved: true, said: expect.stringContaining('; clients of the endpoint go on') })
    expect((await answer).rows).toEqual([{ port: it.fresh.at.port }])
    expect(await led('finish')).toMatchObject({ moved: true })
    expect(await led('revert')).toMatchObject({ moved: true })
    expect([await it.leads(one), await it.leads(two)]).toEqual([it.old.at.port, it.old.at.port])
  })

  test('whoever was overtaken moves none, and lets nobody go on to where nobody may write', async () => {
    const { answer } = await held()
    const before = await it.text()
    expect(await led('finish', async () => false)).toMatchObject({ moved: false })
    expect([await it.text(), await it.isPaused(one), await it.isPaused(two)]).toEqual([before, true, true])
    expect(await led('revert')).toMatchObject({ moved: true })
    expect((await answer).rows).toEqual([{ port: it.old.at.port }])
  })

  test('a program that moves nothing yet: who waits is not let go on to where nobody may write', async () => {
    const { answer } = await held()
    const { host, port } = it.old.at
    const said = await program(`[ "$CAPSTAN_ACTION" = check ] && echo ${host}:${port} && exit 0`, 'exit 75')
    expect(said).toEqual({
      moved: false,
      said: expect.stringMatching(/asks to try again.*who waits at a pooler that does not lead to .* waits on$/),
    })
    expect([await it.isPaused(one), await it.isPaused(two)]).toEqual([true, true])
    expect(await led('finish')).toMatchObject({ moved: true })
    expect((await answer).rows).toEqual([{ port: it.fresh.at.port }])
    expect(await led('revert')).toMatchObject({ moved: true })
  })

  test('of two the one that answers is led there and goes on; the silent one is told by name, and a repeat finds it', async () => {
    const { answer } = await held()
    await two.stop()
    expect(await led('finish')).toEqual({ moved: false, said: expect.stringContaining(`${two.host}:${two.port}`) })
    expect((await answer).rows).toEqual([{ port: it.fresh.at.port }])
    await two.start()
    expect(await led('finish')).toMatchObject({ moved: true })
    expect(await it.leads(two)).toBe(it.fresh.at.port)
  })
})
