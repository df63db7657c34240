import { AppError } from '@gatehouse/core/errors.ts';
import { auditRoutes } from './audit/events.routes.ts';
import { proofRoutes } from './audit/proof.routes.ts';
import { destinationRoutes } from './audit/destinations.routes.ts';
import { configRoutes } from './access/config.routes.ts';
import { findingRoutes } from './audit/findings.routes.ts';
import { explainRoutes } from './access/explain.routes.ts';
import { requestRoutes } from './access/requests.routes.ts';
import { reviewRoutes } from './access/review.routes.ts';
import { templateAclRoutes } from './access/template-acl.routes.ts';
import { accountRoutes } from './identity/account.routes.ts';
import { factorRoutes } from './identity/factors.routes.ts';
import { serviceAccountRoutes } from './identity/service-accounts.routes.ts';
import { ideSettingsRoutes } from './identity/ide-settings.routes.ts';
import { signInRoutes } from './identity/sign-in.routes.ts';
import { tokenRoutes } from './identity/tokens.routes.ts';
import { userRoutes } from './identity/users.routes.ts';
import { directoryRoutes } from './directory/directory.routes.ts';
import { groupRoutes } from './directory/groups.routes.ts';
import { operatorRoutes } from './directory/operator.routes.ts';
import { roleRoutes } from './directory/roles.routes.ts';
import { overviewRoutes } from './overview/overview.routes.ts';
import { mappingRoutes } from './providers/mappings.routes.ts';
import { providerRoutes } from './providers/providers.routes.ts';
import { domainRoutes } from './sso/domains.routes.ts';
import { connectionRoutes } from './sso/connections.routes.ts';
import { ssoRoutes } from './sso/sso.routes.ts';
import { scimRoutes } from './scim/scim.routes.ts';
import { gate } from './gate.ts';
import { begin, boundedBody } from './middleware.ts';
import { describeApiOnce, getDocument } from './openapi.ts';
import { deploymentRoutes } from './platform/deployment.routes.ts';
import { answerProblem, problemOf } from './platform/problem.ts';
import { routes } from './platform/route.ts';
import { blockedActRoutes } from './workspaces/blocked-acts.routes.ts';
import { gitCredentialRoutes } from './workspaces/git-credentials.routes.ts';
import { quotaRoutes } from './workspaces/quotas.routes.ts';
import { recordingRoutes } from './workspaces/recordings.routes.ts';
import { snapshotRoutes } from './workspaces/snapshots.routes.ts';
import { runnerRoutes } from './workspaces/runners.routes.ts';
import { policyRoutes } from './workspaces/policy.routes.ts';
import { templateVersionRoutes } from './workspaces/template-versions.routes.ts';
import { templateRoutes } from './workspaces/templates.routes.ts';
import { appRoutes } from './workspaces/apps.routes.ts';
import { workspaceNetworkRoutes } from './workspaces/workspace-network.routes.ts';
import { stoppingRoutes } from './workspaces/stopping.routes.ts';
import { workspaceRoutes } from './workspaces/workspaces.routes.ts';

const base = routes();
base.use('*', begin, gate, boundedBody);
base.onError((error, c) => {
  const { id, route } = c.get('request');
  if (problemOf(error, id).status >= 500)
    c.get('services').log('error', 'request failed', { requestId: id, route, error: error.stack ?? String(error) });
  return answerProblem(c, error, id);
});
base.notFound((c) => answerProblem(c, new AppError('not-found', 'There is no such address in the API'), c.get('request').id));

/** One chain, so that the typed client knows every route. */
const joined = base
  .basePath('/api/v1')
  .route('/', deploymentRoutes)
  .route('/', signInRoutes)
  .route('/', accountRoutes)
  .route('/', factorRoutes)
  .route('/', ideSettingsRoutes)
  .route('/', directoryRoutes)
  .route('/', groupRoutes)
  .route('/', roleRoutes)
  .route('/', userRoutes)
  .route('/', tokenRoutes)
  .route('/', serviceAccountRoutes)
  .route('/', domainRoutes)
  .route('/', providerRoutes)
  .route('/', connectionRoutes)
  .route('/', ssoRoutes)
  .route('/', scimRoutes)
  .route('/', mappingRoutes)
  .route('/', operatorRoutes)
  .route('/', templateAclRoutes)
  .route('/', explainRoutes)
  .route('/', reviewRoutes)
  .route('/', configRoutes)
  .route('/', requestRoutes)
  .route('/', templateRoutes)
  .route('/', templateVersionRoutes)
  .route('/', policyRoutes)
  .route('/', runnerRoutes)
  .route('/', quotaRoutes)
  .route('/', workspaceRoutes)
  .route('/', workspaceNetworkRoutes)
  .route('/', stoppingRoutes)
  .route('/', gitCredentialRoutes)
  .route('/', blockedActRoutes)
  .route('/', appRoutes)
  .route('/', recordingRoutes)
  .route('/', snapshotRoutes)
  .route('/', auditRoutes)
  .route('/', proofRoutes)
  .route('/', destinationRoutes)
  .route('/', findingRoutes)
  .route('/', overviewRoutes);

/** With the description of all of it. */
export const app = joined.openapi(getDocument, async (c) => {
  const { settings, defer } = c.get('services');
  return c.json(await describeApiOnce(joined, settings.ORIGIN, defer), 200);
});

export type AppType = typeof app;
