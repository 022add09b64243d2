import type { HealthReport } from '../../contracts/health'
import type { Sha256 } from '../../contracts/operation'
import type { SurveyedInstance } from '../../contracts/scout'

/** On the cloud's queue. Reads only. */
export interface InstanceHealthActivities {
  /** Where the database of the bundle is reached, and what its instance's cloud knows of what would hurt. */
  surveyInstance(input: { bundle: Sha256 }): Promise<SurveyedInstance>
}

/** On the queue of those that serve databases. Reads only. */
export interface DatabaseHealthActivities {
  /** What PostgreSQL knows of it, as the connection `admin`. */
  examineDatabase(input: { bundle: Sha256; host: string; port: number; everyDatabase: boolean }): Promise<HealthReport>
}
