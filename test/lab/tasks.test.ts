import { setTimeout as sleep } from 'node:timers/promises'
import { createTaskRunner, type TaskRules } from '../../lab/tasks'

interface Resource {
  tasks: string[]
}

/** A runner whose tasks do nothing, and what it did. */
function runner(more: Partial<TaskRules<Resource, string>>) {
  const done: string[] = []
  const lines: string[] = []
  const tasks = createTaskRunner<string, Resource>({
    async perform(_, task) {
      return () => void done.push(task)
    },
    failed: async () => () => {},
    nameOf: () => 'it',
    save: async () => {},
    log: (line) => void lines.push(line),
    ...more,
  })
  return { tasks, done, lines }
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await sleep(5)
}

test('what could not be written down is written down later, also of the last task, and the tasks after it are done', async () => {
  const resource = { tasks: ['one', 'two'] }
  const saved: string[] = []
  let full = true
  const { tasks, done, lines } = runner({
    async save() {
      if (full) throw new Error('no space left')
      saved.push(resource.tasks.join())
    },
  })
  tasks.wake(resource)
  await until(() => lines.length === 1)
  expect(lines).toEqual(['it: Error: no space left'])
  full = false
  await until(() => saved.length === 2)
  expect(done).toEqual(['one', 'two'])
  expect(saved).toEqual(['two', ''])
  full = true
  resource.tasks.push('three')
  tasks.wake(resource)
  await until(() => lines.length === 2)
  full = false
  await until(() => saved.length === 3)
  await tasks.close()
})

test('a task whose failure could not be noted is begun again', async () => {
  const resource = { tasks: ['one'] }
  let attempts = 0
  const { tasks, done } = runner({
    async perform(_, task) {
      if (++attempts === 1) throw new Error('failed')
      return () => void done.push(task)
    },
    async failed() {
      throw new Error('failed as well')
    },
  })
  tasks.wake(resource)
  await until(() => done.length === 1)
  expect({ attempts, left: resource.tasks }).toEqual({ attempts: 2, left: [] })
  await tasks.close()
})

test('closing does not wait for another attempt, and what was not done stays', async () => {
  const resource = { tasks: ['one'] }
  let attempts = 0
  const { tasks, lines } = runner({
    async perform() {
      attempts++
      throw new Error('failed')
    },
    async failed() {
      throw new Error('failed as well')
    },
  })
  tasks.wake(resource)
  await until(() => lines.length === 1)
  await tasks.close()
  await sleep(1_200)
  expect({ attempts, left: resource.tasks }).toEqual({ attempts: 1, left: ['one'] })
})
