/* The reference near the hardware's limit: one pass over the data a step.
 *
 * Dense data lies in panels of 64 rows, feature by feature; a panel's predictions, slopes and
 * gradient are computed while it is in cache, sums in vector registers.  CSR data goes by blocks
 * of 64 rows.  Runs of a batch are independent and go to threads; one run alone splits its panels.
 */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#define LANES 8
#define ROWS 64

typedef double lanes __attribute__((vector_size(8 * LANES)));
typedef double unaligned __attribute__((vector_size(8 * LANES), aligned(8)));

enum { SQUARED, LOGISTIC };
enum { GRADIENT_DESCENT, SIGN_DESCENT, ADAM, EXPONENTIATED_GRADIENT };

typedef struct {
    long rows, features, loss, optimizer, sparse, steps;
    double scale, beta1, beta2, eps;
    const double *panels;  /* (ceil(rows / 64), features, 64), padded with zeros */
    const double *values;
    const int *columns;
    const long *starts;
    const double *targets; /* padded with zeros to whole panels */
} problem;

static inline __attribute__((always_inline)) void
slopes(const problem *p, double *restrict z, const double *restrict targets, const int count)
{
    if (p->loss == LOGISTIC)
        for (int i = 0; i < count; i++)
            z[i] = p->scale / (1.0 + exp(-z[i]));
    else
        for (int i = 0; i < count; i++)
            z[i] = p->scale * (z[i] - targets[i]);
}

static inline __attribute__((always_inline)) void
panel(const problem *p, const double *x, const double *targets, const double *w,
      lanes *restrict sums, const int vectors)
{
    lanes z[ROWS / LANES] = {0};
    for (long j = 0; j < p->features; j++) {
        const unaligned *column = (const unaligned *)(x + j * ROWS);
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            z[v] += w[j] * column[v];
    }
    slopes(p, (double *)z, targets, vectors * LANES);
    for (long j = 0; j < p->features; j++) {
        const unaligned *column = (const unaligned *)(x + j * ROWS);
        lanes total = sums[j];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            total += z[v] * column[v];
        sums[j] = total;
    }
}

static void dense_panel(const problem *p, long k, const double *w, lanes *sums)
{
    const double *x = p->panels + k * p->features * ROWS, *targets = p->targets + k * ROWS;
    long left = p->rows - k * ROWS;
    switch (left >= ROWS ? 8 : (left + LANES - 1) / LANES) { /* a constant each: unrolled */
    case 8: panel(p, x, targets, w, sums, 8); break;
    case 7: panel(p, x, targets, w, sums, 7); break;
    case 6: panel(p, x, targets, w, sums, 6); break;
    case 5: panel(p, x, targets, w, sums, 5); break;
    case 4: panel(p, x, targets, w, sums, 4); break;
    case 3: panel(p, x, targets, w, sums, 3); break;
    case 2: panel(p, x, targets, w, sums, 2); break;
    default: panel(p, x, targets, w, sums, 1);
    }
}

/* Rows of some twenty entries: gathers and scatters in vectors cost more than they save. */
#define SCALAR __attribute__((noinline, optimize("no-tree-vectorize")))

SCALAR static void sparse_predictions(const problem *p, long first, long rows, const double *w,
                                      double *restrict z)
{
    for (long i = 0; i < rows; i++) {
        double total = 0.0;
        for (long e = p->starts[first + i]; e < p->starts[first + i + 1]; e++)
            total += p->values[e] * w[p->columns[e]];
        z[i] = total;
    }
}

SCALAR static void sparse_gradient(const problem *p, long first, long rows, const double *slope,
                                   double *restrict gradient)
{
    for (long i = 0; i < rows; i++)
        for (long e = p->starts[first + i]; e < p->starts[first + i + 1]; e++)
            gradient[p->columns[e] * LANES] += p->values[e] * slope[i];
}

static void sparse_block(const problem *p, long k, const double *w, lanes *sums)
{
    double z[ROWS] __attribute__((aligned(64))) = {0};
    long first = k * ROWS, rows = p->rows - first < ROWS ? p->rows - first : ROWS;
    sparse_predictions(p, first, rows, w, z);
    slopes(p, z, p->targets + first, ROWS);
    sparse_gradient(p, first, rows, z, (double *)sums); /* lane 0 of each feature */
}

static void update(const problem *p, long step, double rate, double *restrict theta,
                   const double *restrict g, double *restrict m, double *restrict v)
{
    long d = p->features;
    double now = rate / sqrt((double)step);
    switch (p->optimizer) {
    case GRADIENT_DESCENT:
        for (long j = 0; j < d; j++)
            theta[j] -= rate * g[j];
        break;
    case SIGN_DESCENT:
        for (long j = 0; j < d; j++)
            theta[j] -= g[j] > 0.0 ? now : g[j] < 0.0 ? -now : 0.0;
        break;
    case EXPONENTIATED_GRADIENT:
        for (long j = 0; j < d; j++)
            theta[j] *= exp(-rate * g[j]);
        break;
    default: {
        double correction = sqrt(1.0 - pow(p->beta2, step)), eps = p->eps * correction;
        now = rate * correction / (1.0 - pow(p->beta1, step));
        for (long j = 0; j < d; j++) {
            m[j] = p->beta1 * m[j] + (1.0 - p->beta1) * g[j];
            v[j] = p->beta2 * v[j] + (1.0 - p->beta2) * g[j] * g[j];
            theta[j] -= now * m[j] / (sqrt(v[j]) + eps);
        }
    }
    }
}

/* One run by a team of threads; sums (team, d), state (3, d). */
static void descend(const problem *p, double *theta, double rate, lanes *sums, double *state,
                    int rank, int team)
{
    long d = p->features, panels = (p->rows + ROWS - 1) / ROWS;
    long first = panels * rank / team, last = panels * (rank + 1) / team;
    lanes *own = sums + rank * d;
    for (long step = 1; step <= p->steps; step++) {
        memset(own, 0, d * sizeof(lanes));
        for (long k = first; k < last; k++)
            if (p->sparse)
                sparse_block(p, k, theta, own);
            else
                dense_panel(p, k, theta, own);
        if (team > 1) {
#pragma omp barrier
        }
        if (rank == 0) {
            for (long j = 0; j < d; j++) {
                lanes total = sums[j];
                for (int other = 1; other < team; other++)
                    total += sums[other * d + j];
                state[j] = ((total[0] + total[4]) + (total[2] + total[6])) +
                           ((total[1] + total[5]) + (total[3] + total[7]));
            }
            update(p, step, rate, theta, state, state + d, state + 2 * d);
        }
        if (team > 1) {
#pragma omp barrier
        }
    }
}

void run(const problem *p, double *theta, const double *rates, long runs, int threads)
{
    long d = p->features;
    int team = runs == 1 ? threads : 1;
    long places = runs == 1 ? 1 : threads;
    lanes *sums = aligned_alloc(64, (size_t)(places * team) * d * sizeof(lanes));
    double *state = calloc(places * 3 * d, sizeof(double));
    if (team > 1) {
#pragma omp parallel num_threads(team)
        descend(p, theta, rates[0], sums, state, omp_get_thread_num(), team);
    } else {
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (threads > 1)
        for (long k = 0; k < runs; k++) {
            long place = omp_get_thread_num();
            memset(state + place * 3 * d, 0, 3 * d * sizeof(double));
            descend(p, theta + k * d, rates[k], sums + place * d, state + place * 3 * d, 0, 1);
        }
    }
    free(sums);
    free(state);
}
