import { idFromName, type Kind, type Kinds, regionalArn, text } from './kind.ts';

// ECR. Known: names, and that a repository with images stays. Not known: images and what a lifecycle policy would
// delete; test/retention-evaluator.ts has that.

const ofRepository: Kind = {
  overwrites: true,
  id: ({ values }) => text(values, 'repository'),
  fixed: ['repository'],
  references: [
    {
      from: (values) => [text(values, 'repository')],
      to: 'aws_ecr_repository',
      missingError: 'RepositoryNotFoundException',
    },
  ],
  computed: ['id', 'registry_id'],
  fill: ({ caller }) => ({ registry_id: caller.accountId }),
};

export const ecr: Kinds = {
  aws_ecr_repository: {
    id: idFromName,
    fixed: ['name', 'encryption_configuration'],
    existsError: 'RepositoryAlreadyExistsException',
    checkDelete: ({ thing, find, fail }) => {
      const hasImages = find('ecr_image', ({ values }) => values.repository === thing.id) !== undefined;
      if (hasImages && thing.values.force_delete !== true)
        fail(
          'RepositoryNotEmptyException',
          `The repository with name '${thing.id}' cannot be deleted because it still contains images`,
        );
    },
    computed: ['id', 'arn', 'registry_id', 'repository_url'],
    fill: (context) => {
      const { accountId, region } = context.caller;
      return {
        arn: regionalArn(context, 'ecr', `repository/${context.id}`),
        registry_id: accountId,
        repository_url: `${accountId}.dkr.ecr.${region}.amazonaws.com/${context.id}`,
      };
    },
  },
  aws_ecr_lifecycle_policy: ofRepository,
  aws_ecr_repository_policy: ofRepository,
  aws_ecr_registry_scanning_configuration: {
    overwrites: true,
    id: ({ caller }) => caller.accountId,
    computed: ['id', 'registry_id'],
    fill: ({ caller }) => ({ registry_id: caller.accountId }),
  },
};
