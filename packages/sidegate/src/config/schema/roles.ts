/** `roles.yaml`, the policy of the engine `builtin`: role → what it may do. Whatever no role permits is denied. */
import { z } from 'zod';
import { method, pathGlob } from './scalars.ts';

const roleName = () =>
  z
    .string()
    .regex(/^\P{Cc}{1,255}$/u, 'is not the name of a role')
    .meta({ examples: ['customer'] });

const permissionSchema = z.strictObject({
  methods: z.array(method()).min(1).optional().describe('Absent: every method; `GET` does not permit `HEAD`.'),
  path: pathGlob().describe('As received: `*` is one segment; a final `**` is the rest, also none.'),
});

export const rolesSchema = z.strictObject({
  roles: z
    .record(
      roleName(),
      z.strictObject({
        permissions: z.array(permissionSchema).min(1).describe('What the role may do; one that fits is enough.'),
      }),
    )
    .describe('Role, as in `realm_access.roles` of the token → its permissions.'),
});

export type RolesConfig = z.output<typeof rolesSchema>;
