/** A switchover behind the lab's router, disturbed at each of its boundaries: test/crash/support/switchovers.ts. */
import { disturbed } from './support/switchovers'

disturbed()
