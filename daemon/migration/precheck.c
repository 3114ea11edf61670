/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/migration/precheck.h"

#include "daemon/node/pair.h"
#include "lib/base/base.h"
#include "lib/base/clock.h"

struct precheck {
    struct spec *spec; /* owned */
    struct run run;
    struct pair pair;    /* of this check alone */
    struct turns *turns; /* borrowed */
    struct turn turn;    /* to judge what has been seen */
    void (*see_around)(const struct spec *spec, const struct run *run, struct observation *seen,
                       void *arg);
    void (*done)(struct check_report *report, void *arg);
    void *arg;
    bool over;
    void (*freed)(void *arg);
    void *freed_arg;
};

static void changed(struct pair *pair)
{
    struct precheck *p = container_of(pair, struct precheck, pair);

    if (!p->over && pair_surveyed(pair))
        turn_ask(p->turns, &p->turn);
}

static void judge(struct turn *turn)
{
    struct precheck *p = container_of(turn, struct precheck, turn);

    p->over = true;
    observation_relate(&p->pair.seen, p->spec, &p->run);
    p->see_around(p->spec, &p->run, &p->pair.seen, p->arg);
    p->done(check_report_of(p->spec, &p->run, &p->pair.seen, clock_wall_ms()), p->arg);
}

/* A pair that never acts tells nothing else. */
static const struct pair_owner owner = {.changed = changed};

/* Not the name of a run's connections: those are closed by the run's next one. */
#define CONNECTION_NAME "ecmigrate-check"

struct precheck *precheck_new(const struct precheck_config *config)
{
    struct precheck *p = xcalloc(1, sizeof(*p));

    p->spec = spec_dup(config->spec);
    p->run = *config->run;
    p->turns = config->turns;
    p->see_around = config->see_around;
    p->done = config->done;
    p->arg = config->arg;
    turn_init(&p->turn, judge);
    pair_init(&p->pair, &(struct pair_config){.loop = config->loop,
                                              .job = p->spec->id,
                                              .name = CONNECTION_NAME,
                                              .instance = config->instance,
                                              .contexts = config->contexts,
                                              .spec = p->spec,
                                              .run = &p->run,
                                              .owner = &owner,
                                              .arg = p});
    return p;
}

void precheck_start(struct precheck *p)
{
    pair_survey(&p->pair);
}

static void closed(void *arg)
{
    struct precheck *p = arg;
    void (*freed)(void *) = p->freed;
    void *freed_arg = p->freed_arg;

    spec_free(p->spec);
    free(p);
    if (freed)
        freed(freed_arg);
}

void precheck_free(struct precheck *p, void (*freed)(void *arg), void *arg)
{
    if (!p) {
        if (freed)
            freed(arg);
        return;
    }
    p->over = true;
    turn_cancel(&p->turn);
    p->freed = freed;
    p->freed_arg = arg;
    pair_close(&p->pair, closed, p);
}
