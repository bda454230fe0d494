/* An LSTM on sequences of vectors in plain C: one thread, no library but that of mathematics.

   The network is that of skwater.nn.ConvLSTMNet on frames of 1 x 1: one layer and one logit. Its
   weights are one array: a row of 4 * h gates (i, f, o, g) for each input, each hidden unit and
   the bias; then h weights and a bias of the head. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

static float sigmoid(float x) { return 1 / (1 + expf(-x)); }

/* out += factor * row */
static void add(float factor, const float *restrict row, float *restrict out, int n) {
    for (int j = 0; j < n; j++) out[j] += factor * row[j];
}

/* Logit of one sequence x (t, c). Gates (t, 4h), cells (t + 1, h) and hidden (t + 1, h) are kept. */
static float forward(const float *x, const float *w, int t, int c, int h, float *gates,
                     float *cells, float *hidden) {
    const float *recurrent = w + c * 4 * h, *bias = recurrent + h * 4 * h, *head = bias + 4 * h;
    memset(cells, 0, h * sizeof(float));
    memset(hidden, 0, h * sizeof(float));
    for (int s = 0; s < t; s++) {
        float *g = gates + s * 4 * h, *cell = cells + s * h, *state = hidden + s * h;
        memcpy(g, bias, 4 * h * sizeof(float));
        for (int k = 0; k < c; k++) add(x[s * c + k], w + k * 4 * h, g, 4 * h);
        for (int k = 0; k < h; k++) add(state[k], recurrent + k * 4 * h, g, 4 * h);
        for (int j = 0; j < 3 * h; j++) g[j] = sigmoid(g[j]);
        for (int j = 3 * h; j < 4 * h; j++) g[j] = tanhf(g[j]);
        for (int j = 0; j < h; j++) {
            cell[h + j] = g[h + j] * cell[j] + g[j] * g[3 * h + j];
            state[h + j] = g[2 * h + j] * tanhf(cell[h + j]);
        }
    }
    float logit = head[h];
    for (int j = 0; j < h; j++) logit += head[j] * hidden[t * h + j];
    return logit;
}

/* Add the gradient of d_logit * logit to d_w. */
static void backward(const float *x, const float *w, int t, int c, int h, const float *gates,
                     const float *cells, const float *hidden, float d_logit, float *d_w,
                     float *scratch) {
    const float *recurrent = w + c * 4 * h, *head = recurrent + (h + 1) * 4 * h;
    float *d_recurrent = d_w + c * 4 * h, *d_bias = d_recurrent + h * 4 * h;
    float *d_head = d_bias + 4 * h, *d_hidden = scratch, *d_cell = scratch + h, *d = scratch + 2 * h;
    add(d_logit, hidden + t * h, d_head, h);
    d_head[h] += d_logit;
    for (int j = 0; j < h; j++) d_hidden[j] = d_logit * head[j], d_cell[j] = 0;
    for (int s = t - 1; s >= 0; s--) {
        const float *g = gates + s * 4 * h, *cell = cells + s * h, *state = hidden + s * h;
        for (int j = 0; j < h; j++) {
            float i = g[j], f = g[h + j], o = g[2 * h + j], u = g[3 * h + j];
            float y = tanhf(cell[h + j]);
            float dc = d_cell[j] + d_hidden[j] * o * (1 - y * y);
            d[j] = dc * u * i * (1 - i);
            d[h + j] = dc * cell[j] * f * (1 - f);
            d[2 * h + j] = d_hidden[j] * y * o * (1 - o);
            d[3 * h + j] = dc * i * (1 - u * u);
            d_cell[j] = dc * f;
        }
        for (int k = 0; k < h; k++) {
            float sum = 0;
            for (int j = 0; j < 4 * h; j++) sum += d[j] * recurrent[k * 4 * h + j];
            d_hidden[k] = sum;
        }
        for (int k = 0; k < c; k++) add(x[s * c + k], d, d_w + k * 4 * h, 4 * h);
        for (int k = 0; k < h; k++) add(state[k], d, d_recurrent + k * 4 * h, 4 * h);
        add(1, d, d_bias, 4 * h);
    }
}

/* Train on X (n, t, c) and y (n): batches of the order (n_steps * batch), each with a step of Adam;
   a batch ends before n_rows[step] rows. losses (n_steps) are written. */
void train(const float *X, const float *y, int t, int c, int h, const int *order,
           const int *n_rows, int n_steps, float lr, float *w, float *losses) {
    int size = (c + h + 1) * 4 * h + h + 1;
    float *d_w = calloc(3 * size, sizeof(float)), *first = d_w + size, *second = first + size;
    float *gates = malloc((t * 4 + (t + 1) * 2 + 6) * h * sizeof(float));
    float *cells = gates + t * 4 * h, *hidden = cells + (t + 1) * h, *scratch = hidden + (t + 1) * h;
    for (int step = 0; step < n_steps; order += n_rows[step], step++) {
        memset(d_w, 0, size * sizeof(float));
        double loss = 0;
        for (int b = 0; b < n_rows[step]; b++) {
            const float *x = X + (long)order[b] * t * c;
            float z = forward(x, w, t, c, h, gates, cells, hidden), target = y[order[b]];
            loss += fmaxf(z, 0) - z * target + log1pf(expf(-fabsf(z)));
            float d_logit = (sigmoid(z) - target) / n_rows[step];
            backward(x, w, t, c, h, gates, cells, hidden, d_logit, d_w, scratch);
        }
        losses[step] = loss / n_rows[step];
        float rate = lr / (1 - pow(0.9, step + 1)), root = 1 / sqrt(1 - pow(0.999, step + 1));
        for (int k = 0; k < size; k++) {
            first[k] = 0.9f * first[k] + 0.1f * d_w[k];
            second[k] = 0.999f * second[k] + 0.001f * d_w[k] * d_w[k];
            w[k] -= rate * first[k] / (sqrtf(second[k]) * root + 1e-8f);
        }
    }
    free(gates);
    free(d_w);
}

/* Logits (n) of X (n, t, c). */
void predict(const float *X, int n, int t, int c, int h, const float *w, float *logits) {
    float *gates = malloc((t * 4 + (t + 1) * 2) * h * sizeof(float));
    float *cells = gates + t * 4 * h, *hidden = cells + (t + 1) * h;
    for (int i = 0; i < n; i++)
        logits[i] = forward(X + (long)i * t * c, w, t, c, h, gates, cells, hidden);
    free(gates);
}
