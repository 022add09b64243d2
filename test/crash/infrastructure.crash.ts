import { controlAddress } from '../../embedded/worker-program'
import { startCuttingProxy } from '../postgres/support/cutting-proxy'
import { crashing } from './support/crashing'
import { PASSES, SLOW } from './support/scenarios'

const it = crashing()

/** `kill -9`; its supervisor starts it again. */
async function crash(program: { pid(): number | null; successor(pid: number): Promise<unknown> } | null): Promise<void> {
  const pid = program?.pid()
  if (program == null || pid == null) throw new Error('it does not run here, so it cannot be killed')
  const next = program.successor(pid)
  process.kill(pid, 'SIGKILL')
  await next
}

test.each(['canary', 'rehearse', 'apply'])('the Temporal server dies during %s and comes back', async (step) => {
  const wrong = await it.cell(SLOW, `temporal-${step}`, {
    during: async (operation) => {
      await it.reaches(operation, step)
      await crash(it.capstan.stack.temporalServer)
    },
  })
  expect(wrong).toEqual([])
})

test.each(['snapshot', 'canary', 'remove-canary'])('the lab dies during %s and comes back', async (step) => {
  const wrong = await it.cell(PASSES, `lab-${step}`, {
    during: async (operation) => {
      await it.reaches(operation, step)
      await crash(it.capstan.stack.labServer)
    },
  })
  expect(wrong).toEqual([])
})

test('PostgreSQL crashes in mid-migration and recovers', async () => {
  const wrong = await it.cell(SLOW, 'postgres-crash', {
    during: async () => {
      await it.inMidMigration()
      await it.lab.order({ kind: 'crash-instance', instance: 'stock' })
    },
    after: () => it.lab.withdrawAll(),
  })
  expect(wrong).toEqual([])
})

test('the disk of the target fills in mid-migration, and there is room again', async () => {
  const wrong = await it.cell(SLOW, 'disk-full', {
    during: async () => {
      await it.inMidMigration()
      await it.lab.order({ kind: 'fill-disk', instance: 'stock', for: '3s' })
    },
    after: () => it.lab.withdrawAll(),
  })
  expect(wrong).toEqual([])
})

test('the connection is cut at COMMIT: it was carried out, and nobody heard of it', async () => {
  const { host, port } = it.target
  const proxy = await startCuttingProxy({ host, port, localAddress: controlAddress(it.capstan.stack.block) })
  const wrong = await it.cell(SLOW, 'cut-at-commit', {
    fleet: (yaml) => yaml.replace('user: stock_migrator', `user: stock_migrator, host: 127.0.0.1, port: ${proxy.port}`),
    during: async () => {
      await it.inMidMigration()
      proxy.cutAfter('COMMIT')
    },
    after: () => proxy.close(),
  })
  expect({ wrong, cuts: proxy.cuts }).toEqual({ wrong: [], cuts: 1 })
})
