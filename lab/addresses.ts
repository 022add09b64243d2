/** Who lives where on the lab's block of loopback addresses: one address an instance, whatever its cloud. */
import { hostAddress, nextInstanceHost } from './network'

export interface AddressRecord {
  block: string
  /** The last one that was given. */
  lastHost: number
}

export class Addresses {
  constructor(
    private readonly record: AddressRecord,
    /** Of every instance of every cloud. */
    private readonly taken: () => Iterable<number>,
  ) {}

  /** Another one; the caller writes it down with its instance, in the same breath. Undefined when all are taken. */
  take(): number | undefined {
    const host = nextInstanceHost(new Set(this.taken()), this.record.lastHost)
    if (host !== undefined) this.record.lastHost = host
    return host
  }

  isFree(host: number): boolean {
    return ![...this.taken()].includes(host)
  }

  textOf(host: number): string {
    return hostAddress(this.record.block, host)
  }
}
