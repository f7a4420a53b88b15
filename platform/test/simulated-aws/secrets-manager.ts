import { type Kinds, regionalArn, text } from './kind.ts';

// Secrets Manager. Known: the name of a secret that waits to be deleted cannot be taken again. Not known: values.

export const secretsManager: Kinds = {
  aws_secretsmanager_secret: {
    id: (context) => regionalArn(context, 'secretsmanager', `secret:${text(context.values, 'name')}-AbCdEf`),
    fixed: ['name'],
    existsError: 'ResourceExistsException',
    checkCreate: ({ values, find, fail }) => {
      if (find('secret_pending_deletion', ({ id }) => id === values.name) !== undefined)
        fail(
          'InvalidRequestException',
          "You can't create this secret because a secret with this name is already scheduled for deletion.",
        );
    },
    afterDelete: ({ cloud, caller, values }) => {
      if (values.recovery_window_in_days !== 0) cloud.plant('secret_pending_deletion', { id: values.name }, caller);
    },
    computed: ['id', 'arn', 'policy'],
    fill: ({ id }) => ({ arn: id, policy: '' }),
  },
};
