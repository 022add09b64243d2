/** The calls that simulated Cloud SQL carries out, by the names of the generated table. The others are known, and answered as not
 *  implemented. */
import type { Operation } from '../cloud'
import { deleteBackupRun, getBackupRun, insertBackupRun, listBackupRuns } from './backup-runs'
import { createBackup, deleteBackup, getBackup, listBackups, updateBackup } from './backups'
import { deleteDatabase, getDatabase, insertDatabase, listDatabases, updateDatabase } from './databases'
import { listFlags } from './flags-list'
import { cloneInstance } from './instances-clone'
import { deleteInstance } from './instances-delete'
import { failoverInstance } from './instances-failover'
import { getInstance } from './instances-get'
import { getLatestRecoveryTime } from './instances-get-latest-recovery-time'
import { insertInstance } from './instances-insert'
import { listInstances } from './instances-list'
import { patchInstance, updateInstance } from './instances-patch'
import { promoteReplica } from './instances-promote-replica'
import { startReplica, stopReplica } from './instances-replication'
import { restartInstance } from './instances-restart'
import { restoreBackup } from './instances-restore-backup'
import { switchOver } from './instances-switchover'
import { cancelOperation, getOperation, listOperations } from './operations-get'
import { getConnectSettings, listServerCas } from './server-cas'
import { deleteSslCert, getSslCert, insertSslCert, listSslCerts, resetSslConfig } from './ssl-certs'
import { listTiers } from './tiers-list'
import { deleteUser, getUser, insertUser, listUsers, updateUser } from './users'

export const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['backupRuns.delete', deleteBackupRun],
  ['backupRuns.get', getBackupRun],
  ['backupRuns.insert', insertBackupRun],
  ['backupRuns.list', listBackupRuns],
  ['backups.createBackup', createBackup],
  ['backups.deleteBackup', deleteBackup],
  ['backups.getBackup', getBackup],
  ['backups.listBackups', listBackups],
  ['backups.updateBackup', updateBackup],
  ['connect.getConnectSettings', getConnectSettings],
  ['databases.delete', deleteDatabase],
  ['databases.get', getDatabase],
  ['databases.insert', insertDatabase],
  ['databases.list', listDatabases],
  ['databases.patch', updateDatabase],
  ['databases.update', updateDatabase],
  ['flags.list', listFlags],
  ['instances.clone', cloneInstance],
  ['instances.delete', deleteInstance],
  ['instances.failover', failoverInstance],
  ['instances.get', getInstance],
  ['instances.getLatestRecoveryTime', getLatestRecoveryTime],
  ['instances.insert', insertInstance],
  ['instances.list', listInstances],
  ['instances.listServerCas', listServerCas],
  ['instances.patch', patchInstance],
  ['instances.promoteReplica', promoteReplica],
  ['instances.resetSslConfig', resetSslConfig],
  ['instances.restart', restartInstance],
  ['instances.restoreBackup', restoreBackup],
  ['instances.startReplica', startReplica],
  ['instances.stopReplica', stopReplica],
  ['instances.switchover', switchOver],
  ['instances.update', updateInstance],
  ['operations.cancel', cancelOperation],
  ['operations.get', getOperation],
  ['operations.list', listOperations],
  ['sslCerts.delete', deleteSslCert],
  ['sslCerts.get', getSslCert],
  ['sslCerts.insert', insertSslCert],
  ['sslCerts.list', listSslCerts],
  ['tiers.list', listTiers],
  ['users.delete', deleteUser],
  ['users.get', getUser],
  ['users.insert', insertUser],
  ['users.list', listUsers],
  ['users.update', updateUser],
])
