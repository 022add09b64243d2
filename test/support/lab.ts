/** The lab's own API for tests: faults, the calls it had, crashes. */
import { labHeaders } from '../../embedded/worker-program'
import type { CapstanStack } from './capstan-stack'

/** As the lab writes calls down. */
export interface CloudCall {
  readonly seq: number
  readonly cloud: string
  /** Of the cloud's API, such as `CreateDBSnapshot`. */
  readonly operation: string
  readonly resources: readonly { readonly id: string }[]
  readonly tags: Readonly<Record<string, string>>
  readonly outcome: string
  readonly effect: boolean
  readonly faults: readonly { readonly id: string; readonly kind: string }[]
}

export interface LabDoor {
  /** Resolves to the fault's id. */
  order(fault: Readonly<Record<string, unknown>>): Promise<string>
  /** How often a standing fault struck. */
  struck(id: string): Promise<number>
  withdraw(id: string): Promise<void>
  withdrawAll(): Promise<void>
  /** Number of the newest call. */
  mark(): Promise<number>
  calls(since: number): Promise<readonly CloudCall[]>
}

export function labDoor({ stack }: CapstanStack): LabDoor {
  const { lab } = stack
  const ask = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(`${lab.api}/_lab/${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...labHeaders(lab) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`the lab refused ${method} ${path}: ${await answer.text()}`)
    return (await answer.json()) as T
  }
  return {
    order: async (fault) => (await ask<{ fault: { id: string } }>('POST', 'faults', fault)).fault.id,
    async struck(id) {
      const { faults } = await ask<{ faults: { id: string; struck: number }[] }>('GET', 'faults')
      const fault = faults.find((one) => one.id === id)
      if (fault === undefined) throw new Error(`the fault ${id} does not stand`)
      return fault.struck
    },
    withdraw: async (id) => void (await ask('DELETE', `faults/${id}`)),
    withdrawAll: async () => void (await ask('DELETE', 'faults')),
    mark: async () => (await ask<{ last: number }>('GET', 'calls')).last,
    calls: async (since) => (await ask<{ calls: CloudCall[] }>('GET', `calls?since=${since}`)).calls,
  }
}
