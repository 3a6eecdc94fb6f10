/* SPDX-License-Identifier: Apache-2.0 */
/* The Prometheus text format, version 0.0.4. */
#include "admin/routes.h"

#include <inttypes.h>
#include <string.h>

struct page {
	struct jo out;
	char last[96]; /* name of the family that is being written */
};

static void escaped(struct jo *o, const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			jo_raw(o, SPAN_LIT("\\n"));
		else if (*s == '\\' || *s == '"')
			jo_fmt(o, "\\%c", *s);
		else
			jo_raw(o, span_make(s, 1));
	}
}

static void family(struct page *p, const struct adm_metric *m)
{
	if (strcmp(p->last, m->name) == 0)
		return;
	(void)!span_to_str(span_str(m->name), p->last, sizeof(p->last));
	if (m->help) {
		jo_fmt(&p->out, "# HELP %s %s\n", m->name, m->help);
	}
	jo_fmt(&p->out, "# TYPE %s %s\n", m->name, m->counter ? "counter" : "gauge");
}

static void metric_out(void *cb_arg, const struct adm_metric *m)
{
	struct page *p = cb_arg;

	family(p, m);
	jo_raw(&p->out, span_str(m->name));
	if (m->label && m->label_value) {
		jo_fmt(&p->out, "{%s=\"", m->label);
		escaped(&p->out, m->label_value);
		jo_raw(&p->out, SPAN_LIT("\"}"));
	}
	jo_fmt(&p->out, " %" PRIu64 "\n", m->value);
}

void metrics_get(struct adm_req *r)
{
	struct page p = {0};

	r->adm->ops.metrics(r->adm->ops.arg, metric_out, &p);
	req_text(r, "text/plain; version=0.0.4; charset=utf-8", &p.out);
}
