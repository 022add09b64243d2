/** Where a cloud keeps its servers' data, snapshots and archives. Folders on the way are ours, and closed to listing; what is
 *  PostgreSQL's own lies one step below in each. */
import { join } from 'node:path'
import { closeFolder, ensureEnterable } from '../../pgserver/reach'
import { serverUser } from '../../pgserver/server-user'

export class Places {
  readonly instances: string
  readonly snapshots: string
  readonly archives: string
  /** The program that takes the log into an archive. */
  readonly archiver: string

  constructor(stateDir: string) {
    this.instances = join(stateDir, 'instances')
    this.snapshots = join(stateDir, 'snapshots')
    this.archives = join(stateDir, 'archives')
    this.archiver = join(stateDir, 'archive-segment.sh')
  }

  /** Makes the folders that are missing, and closes those that an older lab left open. */
  make(): void {
    for (const folder of [this.instances, this.snapshots, this.archives]) {
      ensureEnterable(folder, serverUser())
      closeFolder(folder, serverUser())
    }
  }

  server(folder: string): string {
    return join(this.instances, folder)
  }

  data(folder: string): string {
    return join(this.instances, folder, 'data')
  }

  log(folder: string): string {
    return join(this.instances, folder, 'server.log')
  }

  snapshot(name: string): string {
    return join(this.snapshots, name)
  }

  snapshotData(name: string): string {
    return join(this.snapshots, name, 'data')
  }

  archive(name: string): string {
    return join(this.archives, name)
  }

  /** The archive's part that belongs to the server's user. */
  archived(name: string): string {
    return join(this.archives, name, 'data')
  }
}
