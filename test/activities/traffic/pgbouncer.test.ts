/** Endpoints that are real PgBouncers, before real servers. */
import { chmod, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Act } from '../../../activities/act'
import { failureOf } from '../../postgres/support/apply'
import { selfSigned } from '../../postgres/support/self-signed'
import { until } from '../../support/eventually'
import { describeWithPgBouncer, type TestPooler } from '../../support/pgbouncer'
import { Poolers, USERS, Writers } from './poolers'

describeWithPgBouncer('an endpoint that is PgBouncer', () => {
  let it: Poolers
  let one: TestPooler
  let two: TestPooler
  beforeAll(async () => {
    it = await Poolers.start()
    await it.lead(it.old.at)
    ;[one, two] = await Promise.all([it.pooler('one'), it.pooler('two')])
  })
  afterAll(() => it?.stop())
  afterEach(() => it.closeClients())
  beforeEach(async () => {
    await it.lead(it.old.at)
    for (const pooler of [one, two]) {
      if (await it.isPaused(pooler)) await it.admin(pooler, 'RESUME "shop-rw"')
      await it.admin(pooler, 'RELOAD')
    }
    for (const { session } of [it.old, it.fresh]) await session.execute('TRUNCATE written')
  })

  const both = () => it.under(it.endpoint([one, two]))
  const paused = () => Promise.all([one, two].map((pooler) => it.isPaused(pooler)))
  const shown = ({ host, port }: { host: string; port: number }) => `${host}:${port}`

  test('moves, and back, as often as it is asked, and the rest of its file stays as it was', async () => {
    const { act, ref } = await both()
    const before = await it.text()
    await chmod(it.file, 0o604)
    await writeFile(join(it.folder, '.shop.ini.capstan-killed'), 'half')
    const move = { ...ref, from: it.old.at, to: it.fresh.at }
    expect(await act((traffic) => traffic.whereTo(ref))).toMatchObject({ kind: 'pgbouncer', at: it.old.at })
    expect(await act((traffic) => traffic.moveBack(move))).toMatchObject({ moved: 'already-there' })
    expect(await act((traffic) => traffic.moveEndpoint(move))).toMatchObject({ moved: 'moved' })
    expect(await act((traffic) => traffic.moveEndpoint(move))).toMatchObject({ moved: 'already-there' })
    expect(await act((traffic) => traffic.whereTo(ref))).toMatchObject({ at: it.fresh.at })
    expect(await it.text()).toBe(before.replace(`port=${it.old.at.port}`, `port=${it.fresh.at.port}`))
    expect([(await stat(it.file)).mode & 0o777, await readdir(it.folder)]).toEqual([0o604, ['one', 'shop.ini', 'two']])
    expect(await act((traffic) => traffic.moveBack(move))).toMatchObject({ moved: 'moved' })
    expect(await it.text()).toBe(before)
    await failureOf(
      act((traffic) => traffic.moveEndpoint(move), { isCurrent: async () => false }),
      'HEARTBEAT_GAP',
    )
    expect(await it.text()).toBe(before)
  })

  test('clients keep their connections over pause, move and resume: no error, and each row is on one side', async () => {
    const { act, ref } = await both()
    const clients = await Promise.all([one, two, one, two, one].map((pooler) => it.client(pooler)))
    const writers = new Writers(clients)
    const goOn = (since: number) => until('writers', async () => writers.acknowledged.length > since + 50)
    await goOn(0)
    expect(await act((traffic) => traffic.pauseFacts(ref))).toMatchObject({
      ...{ kind: 'pgbouncer', objections: [], waitMsMax: 120_000, waitMsAfter: 1_000 },
      poolers: [one, two].map(({ port }) => ({ port, poolModes: ['transaction'], serverLoginRetryMs: 1_000, clientsMax: 100 })),
    })
    expect(await act((traffic) => traffic.pauseEndpoint({ ...ref, withinMs: 10_000 }))).toMatchObject({ paused: 'paused' })
    const left = await it.old.written()
    expect(await act((traffic) => traffic.moveEndpoint({ ...ref, from: it.old.at, to: it.fresh.at }))).toMatchObject({
      moved: 'moved',
    })
    expect([await paused(), await it.fresh.written()]).toEqual([[true, true], []])
    expect(await act((traffic) => traffic.resumeEndpoint(ref))).toMatchObject({ resumed: 'resumed' })
    await goOn(writers.acknowledged.length)
    await writers.stop()
    const [old, fresh] = [await it.old.written(), await it.fresh.written()]
    expect([writers.errors, old]).toEqual([[], left])
    expect(fresh.length).toBeGreaterThan(0)
    expect([...old, ...fresh].sort((a, b) => a - b)).toEqual(writers.acknowledged.sort((a, b) => a - b))
  })

  test('without a pause a transaction ends where it began, and the next one is led to the new place', async () => {
    const { act, ref } = await both()
    const client = await it.client(one)
    await client.query('BEGIN; INSERT INTO written VALUES (1)')
    const idle = await it.client(two)
    await idle.query('INSERT INTO written VALUES (2)')
    await act((traffic) => traffic.moveEndpoint({ ...ref, from: it.old.at, to: it.fresh.at }))
    await client.query('COMMIT')
    await client.query('INSERT INTO written VALUES (3)')
    await idle.query('INSERT INTO written VALUES (4)')
    expect([await it.old.written(), await it.fresh.written()]).toEqual([
      [1, 2],
      [3, 4],
    ])
  })

  test('a transaction that does not end keeps nobody else waiting, and its client is named', async () => {
    const { act, ref } = await both()
    const stuck = await it.client(two, 'nightly\u001b[31m report')
    await stuck.query('BEGIN; INSERT INTO written VALUES (1)')
    const held = await failureOf(
      act((traffic) => traffic.pauseEndpoint({ ...ref, withinMs: 300 })),
      'ENDPOINT_REFUSED',
    )
    expect(held.message).toMatch(/was not paused, and clients go on: .* master from 127\.0\.0\.1:\d+ \(nightly.*report\) by the/)
    expect(held.message).not.toContain('\u001b')
    expect(await paused()).toEqual([false, false])
    const other = await it.client(two)
    await other.query('INSERT INTO written VALUES (2)')
    await stuck.query('COMMIT')
    for (const _ of [1, 2]) await act((traffic) => traffic.pauseEndpoint({ ...ref, withinMs: 10_000 }))
    expect(await paused()).toEqual([true, true])
    expect(await act((traffic) => traffic.resumeEndpoint(ref))).toMatchObject({ resumed: 'resumed' })
    expect(await act((traffic) => traffic.resumeEndpoint(ref))).toMatchObject({ resumed: 'was-not-paused' })
    expect(await it.old.written()).toEqual([1, 2])
  })

  test('what an attempt left half done the next one finishes, or takes back', async () => {
    const { act, ref } = await both()
    const move = { ...ref, from: it.old.at, to: it.fresh.at }
    const before = await it.text()
    await it.admin(one, 'PAUSE "shop-rw"')
    await act((traffic) => traffic.pauseEndpoint({ ...ref, withinMs: 10_000 }))
    expect(await paused()).toEqual([true, true])
    await it.admin(one, 'RESUME "shop-rw"')
    expect(await act((traffic) => traffic.resumeEndpoint(ref))).toMatchObject({ resumed: 'resumed' })

    for (const told of [[], [one]]) {
      for (const [finish, ends] of [
        ['moveEndpoint', it.fresh.at],
        ['moveBack', it.old.at],
      ] as const) {
        await it.lead(it.old.at)
        for (const pooler of [one, two]) await it.admin(pooler, 'RELOAD')
        await it.lead(it.fresh.at)
        for (const pooler of told) await it.admin(pooler, 'RELOAD')
        const differ = await failureOf(
          act((traffic) => traffic.whereTo(ref)),
          'ENDPOINT_DRIFTED',
        )
        expect(differ.message).toContain(`their file leads to ${shown(it.fresh.at)}`)
        expect(differ.message).toContain(`${shown(two)} leads to ${shown(it.old.at)}`)
        expect(await act((traffic) => traffic[finish](move))).toMatchObject({ moved: 'moved' })
        expect(await act((traffic) => traffic.whereTo(ref))).toMatchObject({ at: ends })
      }
    }
    expect(await it.text()).toBe(before)

    await it.lead({ host: '127.0.0.1', port: 1 })
    for (const finish of ['moveEndpoint', 'moveBack'] as const) {
      const drifted = await failureOf(
        act((traffic) => traffic[finish](move)),
        'ENDPOINT_DRIFTED',
      )
      expect(drifted.message).toContain('leads to 127.0.0.1:1, neither')
    }
  })

  test('a pooler that is down: nothing is paused, and whoever can be reached is let go on', async () => {
    const { act, ref } = await both()
    const before = await it.text()
    await two.stop()
    try {
      for (const ask of [
        () => act((traffic) => traffic.whereTo(ref)),
        () => act((traffic) => traffic.pauseEndpoint({ ...ref, withinMs: 10_000 })),
      ]) {
        const away = await failureOf(ask(), 'ENDPOINT_UNREACHABLE')
        expect(away.message).toContain(`A pooler of the endpoint: ${shown(two)} cannot be reached (ECONNREFUSED)`)
      }
      expect([await it.isPaused(one), await it.text()]).toEqual([false, before])
      await it.admin(one, 'PAUSE "shop-rw"')
      await failureOf(
        act((traffic) => traffic.resumeEndpoint(ref)),
        'ENDPOINT_UNREACHABLE',
      )
      expect(await it.isPaused(one)).toBe(false)
    } finally {
      await two.start()
    }
  })

  test('one that is down keeps no other where it is: file and others are moved, it is named, and it leads there once it is back', async () => {
    const { act, ref } = await both()
    const client = await it.client(one)
    await client.query('INSERT INTO written VALUES (1)')
    const move = { ...ref, from: it.old.at, to: it.fresh.at }
    for (const [finish, to] of [
      ['moveEndpoint', it.fresh.at],
      ['moveBack', it.old.at],
      ['moveEndpoint', it.fresh.at],
    ] as const) {
      await two.stop()
      try {
        // the second finds all who answer moved
        for (const _ of [1, 2]) {
          const away = await failureOf(
            act((traffic) => traffic[finish](move)),
            'ENDPOINT_UNREACHABLE',
          )
          expect(away.message).toContain(`${shown(two)} cannot be reached (ECONNREFUSED)`)
          expect(away.message).toContain('The others have read their file anew')
        }
        expect(await it.text()).toContain(`port=${to.port} `)
        expect(await it.leads(one)).toBe(to.port)
      } finally {
        await two.start()
      }
      expect(await it.leads(two)).toBe(to.port)
      expect(await act((traffic) => traffic[finish](move))).toMatchObject({ moved: 'already-there' })
    }
    await client.query('INSERT INTO written VALUES (2)')
    expect([await it.old.written(), await it.fresh.written()]).toEqual([[1], [2]])
  })

  test('who is down hides nobody who leads elsewhere', async () => {
    const { act, ref } = await both()
    await two.stop()
    try {
      await it.lead({ host: '127.0.0.1', port: 1 })
      await failureOf(
        act((traffic) => traffic.moveEndpoint({ ...ref, from: it.old.at, to: it.fresh.at })),
        'ENDPOINT_DRIFTED',
      )
      expect([await it.leads(one), await it.text()]).toEqual([it.old.at.port, expect.stringContaining('port=1 ')])
    } finally {
      await it.lead(it.old.at)
      await two.start()
    }
  })

  test('whoever is not let in, or may only look, is told so, and no failure has a password', async () => {
    const said: string[] = []
    const log: Act['log'] = (_message, facts) => said.push(String(facts.said))
    const asked = async (more: { user?: string; secret?: string; tls?: 'require' }, pause = false) => {
      const { act, ref } = await it.under(it.endpoint([one], more))
      const work = act<unknown>(
        (traffic) => (pause ? traffic.pauseEndpoint({ ...ref, withinMs: 10_000 }) : traffic.whereTo(ref)),
        { log },
      )
      const refused = await failureOf(work, 'ENDPOINT_REFUSED')
      const everything = JSON.stringify([refused.message, refused.facts, said])
      for (const password of ['hunter2', USERS.boss, USERS.watcher]) expect(everything).not.toContain(password)
      return refused.message
    }
    expect(await asked({ secret: 'env:WRONG' })).toContain('does not let boss into its console')
    expect(said).toEqual(['SASL authentication failed'])
    expect(await asked({ user: 'master', secret: 'env:WRONG' })).toContain('does not let master into its console')
    expect(await asked({ tls: 'require' })).toContain('offers no TLS')
    expect(await asked({ user: 'watcher', secret: 'env:WATCHER' }, true)).toContain('lets watcher look and change nothing')
    expect(await it.isPaused(one)).toBe(false)
  })

  test('a console over TLS is asked over TLS, and under verify-full by its certificate', async () => {
    const { cert, key } = selfSigned('127.0.0.1')
    for (const [name, pem] of Object.entries({ cert, key })) await writeFile(join(it.folder, `${name}.pem`), pem, { mode: 0o644 })
    const files = { client_tls_cert_file: join(it.folder, 'cert.pem'), client_tls_key_file: join(it.folder, 'key.pem') }
    const pooler = await it.pooler('tls', { client_tls_sslmode: 'require', ...files })
    const asked = async (tls: 'disable' | 'require' | 'verify-full') => {
      const { act, ref } = await it.under(it.endpoint([pooler], { tls }))
      return act((traffic) => traffic.whereTo(ref))
    }
    expect(await asked('require')).toMatchObject({ at: it.old.at })
    expect((await failureOf(asked('verify-full'), 'ENDPOINT_REFUSED')).message).toContain('certificate')
    expect((await failureOf(asked('disable'), 'ENDPOINT_REFUSED')).message).toContain('does not let boss into its console')
  })

  test('poolers that no pause or no command suits are refused with what to do', async () => {
    const other = join(it.folder, 'other.ini')
    await it.lead(it.old.at, other)
    const [session, shared, short] = await Promise.all([
      it.pooler('session', { pool_mode: 'session' }, other),
      it.pooler('shared', { so_reuseport: '1' }),
      it.pooler('short', { query_wait_timeout: '5' }),
    ])
    const pausing = async (pooler: TestPooler) => {
      const { act, ref } = await it.under(it.endpoint([one, pooler]))
      const refused = await failureOf(
        act((traffic) => traffic.pauseEndpoint({ ...ref, withinMs: 5_000 })),
        'ENDPOINT_REFUSED',
      )
      expect(await it.isPaused(one)).toBe(false)
      return refused.message
    }
    expect(await pausing(session)).toContain(`The pooler ${shown(session)} gives a client its connection for the whole session`)
    expect(await pausing(shared)).toContain(`The pooler ${shown(shared)} shares its port with others`)
    expect(await pausing(short)).toContain('waited for 5 s (query_wait_timeout). To pause may take 5 s, and to go on 1 s')

    // and one that reads another file than the one that is written
    const { act, ref } = await it.under(it.endpoint([one, session]))
    const behind = await failureOf(
      act((traffic) => traffic.moveEndpoint({ ...ref, from: it.old.at, to: it.fresh.at })),
      'ENDPOINT_UNREACHABLE',
    )
    expect(behind.message).toContain(`${shown(session)} leads to ${shown(it.old.at)}: check that each of them includes the file`)
    expect(behind.message).not.toContain(`${shown(one)} leads`)
    expect(await act((traffic) => traffic.moveBack({ ...ref, from: it.old.at, to: it.fresh.at }))).toMatchObject({
      moved: 'moved',
    })
  })

  test('a file is one below the worker’s folder, or is neither read nor written', async () => {
    await mkdir(join(it.folder, 'inner'))
    await symlink(it.file, join(it.folder, 'link.ini'))
    await symlink('/etc', join(it.folder, 'out'))
    for (const [file, why] of [
      ['/etc/hosts', 'is no path below a folder'],
      ['inner/../shop.ini', 'is no path below a folder'],
      ['.shop.ini', 'is no path below a folder'],
      ['out/hosts', 'leads out of the folder'],
      ['link.ini', 'is a link'],
      ['inner', 'is no file'],
      ['missing/shop.ini', 'is not in the folder'],
      ['missing.ini', 'is not there; write it once'],
      ['one/users', 'has a line that is no comment'],
    ] as const) {
      const { act, ref } = await it.under(it.endpoint([one], {}, file))
      for (const ask of ['whereTo', 'moveEndpoint'] as const) {
        const refused = await failureOf(
          act<unknown>((traffic) => traffic[ask]({ ...ref, from: it.old.at, to: it.fresh.at })),
          'ENDPOINT_REFUSED',
        )
        expect(refused.message).toContain(why)
      }
    }
    const { act, ref } = await it.under(it.endpoint([one]), { poolerFiles: '/does/not/exist' })
    expect(
      (
        await failureOf(
          act((traffic) => traffic.whereTo(ref)),
          'ENDPOINT_REFUSED',
        )
      ).message,
    ).toContain('is not there')
  })

  test('a program writes what poolers elsewhere read', async () => {
    const lines = [
      '#!/bin/sh',
      `file=${it.file}`,
      'if [ "$CAPSTAN_ACTION" = move ]; then sed -i "s/host=[^ ]* port=[0-9]*/host=$CAPSTAN_TO_HOST port=$CAPSTAN_TO_PORT/" $file; fi',
      "sed -n 's/.*host=\\([^ ]*\\) port=\\([0-9]*\\).*/\\1:\\2/p' $file",
      '',
    ]
    await writeFile(join(it.folder, 'write-target'), lines.join('\n'), { mode: 0o755 })
    const target = { by: 'program', write: ['write-target'], timeoutMs: 60_000 } as const
    const commands = { folder: it.folder, path: process.env.PATH ?? '' }
    const { act, ref } = await it.under({ ...it.endpoint([one, two]), target }, { commands })
    const move = { ...ref, from: it.old.at, to: it.fresh.at }
    expect(await act((traffic) => traffic.moveEndpoint(move))).toMatchObject({ moved: 'moved' })
    expect(await act((traffic) => traffic.whereTo(ref))).toMatchObject({ at: it.fresh.at })
    expect(await act((traffic) => traffic.moveBack(move))).toMatchObject({ moved: 'moved' })

    // one that has reached some of them asks to be called again
    const toSome = `${lines.slice(0, -1).join('\n')}\n[ "$CAPSTAN_ACTION" = check ] || exit 75\n`
    await writeFile(join(it.folder, 'write-target'), toSome, { mode: 0o755 })
    const again = await failureOf(
      act((traffic) => traffic.moveEndpoint(move)),
      'ENDPOINT_UNREACHABLE',
    )
    expect(again.message).toContain('ended with status 75')
    expect([await it.leads(one), await it.leads(two)]).toEqual([it.fresh.at.port, it.fresh.at.port])
  })
})
