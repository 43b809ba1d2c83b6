/* gst-dao: is the recorded file what was sent?
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 *   compare-media [--same-frames] SENT.mkv RECORDED.mkv
 *
 * One line a check, "ok" or "FAIL" in front; exit 0 only if all are ok. With
 * --same-frames the encoded frames themselves must be those that were sent,
 * byte for byte: nothing on the way decoded and encoded them again.
 */
#include "media-file.h"

#include <math.h>

#define MAX_LENGTH_DIFFERENCE GST_SECOND
/* Of the frames that were sent in the recorded time, so many must be there. */
#define MIN_FRAMES 0.9
#define MIN_MARKED 0.98
/* Mean difference of a cell's luma, of 255. Measured: VP8 again at 150 kbit/s stays below 2, the frame
 * three further is above 11, every other sequence above 14. */
#define MAX_PICTURE_DIFFERENCE 6.0
#define MIN_SAME_PICTURES 0.95
#define MIN_SAME_ENCODED 0.99
/* Speech of espeak-ng is at about -20 dB. */
#define MIN_LOUDNESS_DB -40.0
#define MIN_LOUDNESS_CORRELATION 0.8
#define MIN_SOUND_CORRELATION 0.5
#define MAX_SHIFT_S 2           /* of the recorded against the sent sound */
#define MAX_OUT_OF_STEP_MS 400.0        /* sound against picture */

#define ENVELOPE_RATE 100       /* loudness values a second */
#define ENVELOPE_STEP (MEDIA_FILE_RATE / ENVELOPE_RATE)

static guint n_failed;

static void G_GNUC_PRINTF (2, 3)
check (gboolean ok, const gchar * format, ...)
{
  g_autofree gchar *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_print ("%s %s\n", ok ? "ok  " : "FAIL", text);
  if (!ok)
    n_failed++;
}

static gdouble
seconds (GstClockTime time)
{
  return (gdouble) time / GST_SECOND;
}

static void
check_length (const gchar * what, GstClockTime sent, GstClockTime recorded)
{
  check (ABS (GST_CLOCK_DIFF (sent, recorded)) <= MAX_LENGTH_DIFFERENCE,
      "%s: %.2f s sent, %.2f s recorded", what, seconds (sent),
      seconds (recorded));
}

/* --- picture --- */

static const MediaFrame *
frame_at (const MediaFile * file, guint i)
{
  return &g_array_index (file->frames, MediaFrame, i);
}

/* The frames of a file by their number. (transfer container) */
static GHashTable *
index_frames (const MediaFile * file)
{
  GHashTable *index = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < file->frames->len; i++) {
    const MediaFrame *frame = frame_at (file, i);

    if (frame->marked)
      g_hash_table_insert (index, GUINT_TO_POINTER (frame->number + 1u),
          (gpointer) frame);
  }
  return index;
}

static gdouble
picture_difference (const MediaFrame * a, const MediaFrame * b)
{
  guint sum = 0;

  for (guint i = 0; i < TEST_PICTURE_THUMB_SIZE; i++)
    sum += ABS ((gint) a->thumb[i] - (gint) b->thumb[i]);
  return (gdouble) sum / TEST_PICTURE_THUMB_SIZE;
}

typedef struct
{
  guint marked, known, in_order, same;
  gint first, last;             /* frame numbers */
  gdouble worst;                /* picture difference */
  gdouble shift_ms;             /* mean of recorded time - sent time */
} PictureReport;

static void
compare_pictures (const MediaFile * sent, const MediaFile * recorded,
    PictureReport * report)
{
  g_autoptr (GHashTable) index = index_frames (sent);
  gint last = -1;

  report->first = -1;
  for (guint i = 0; i < recorded->frames->len; i++) {
    const MediaFrame *frame = frame_at (recorded, i);
    const MediaFrame *original;
    gdouble difference;

    if (!frame->marked)
      continue;
    report->marked++;
    if (frame->number > last)
      report->in_order++;
    last = frame->number;
    original = g_hash_table_lookup (index,
        GUINT_TO_POINTER (frame->number + 1u));
    if (original == NULL || original->sequence != frame->sequence)
      continue;
    report->known++;
    if (report->first < 0)
      report->first = frame->number;
    report->last = frame->number;
    difference = picture_difference (frame, original);
    report->worst = MAX (report->worst, difference);
    report->same += difference <= MAX_PICTURE_DIFFERENCE;
    report->shift_ms += ((gdouble) frame->pts - (gdouble) original->pts) / 1e6;
  }
  if (report->known > 0)
    report->shift_ms /= report->known;
}

static void
check_pictures (const MediaFile * sent, const MediaFile * recorded,
    PictureReport * report)
{
  guint n = recorded->frames->len;
  gint expected;

  compare_pictures (sent, recorded, report);
  expected = report->last - report->first + 1;
  check (n >= MIN_FRAMES * sent->frames->len - TEST_PICTURE_FPS,
      "pictures: %u sent, %u recorded and decoded", sent->frames->len, n);
  check (report->marked >= MIN_MARKED * n, "markers: read in %u of %u",
      report->marked, n);
  check (report->marked > 0 && report->in_order == report->marked,
      "order: %u of %u frame numbers increase", report->in_order,
      report->marked);
  check (report->marked > 0 && report->known == report->marked,
      "sequence: %u of %u numbers are of the sent one (%d to %d)",
      report->known, report->marked, report->first, report->last);
  check (report->known >= MIN_FRAMES * expected,
      "whole: %u of the %d frames between first and last", report->known,
      expected);
  check (report->known > 0 && report->same >= MIN_SAME_PICTURES * n,
      "same picture: %u of %u (largest difference %.1f of 255)", report->same,
      n, report->worst);
}

/* --- sound --- */

static gdouble
loudness_db (const gfloat * samples, gsize n)
{
  gdouble sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += samples[i] * samples[i];
  return n > 0 && sum > 0 ? 10 * log10 (sum / n) : -INFINITY;
}

static GArray *
envelope (const GArray * samples)
{
  GArray *values = g_array_new (FALSE, FALSE, sizeof (gfloat));

  for (gsize at = 0; at + ENVELOPE_STEP <= samples->len; at += ENVELOPE_STEP) {
    gdouble sum = 0;
    gfloat value;

    for (gsize i = at; i < at + ENVELOPE_STEP; i++)
      sum += ABS (g_array_index (samples, gfloat, i));
    value = sum / ENVELOPE_STEP;
    g_array_append_val (values, value);
  }
  return values;
}

/* Pearson's correlation of a[i] and b[i + shift] over all i that both have. */
static gdouble
correlate (const GArray * a, const GArray * b, gint shift)
{
  gint from = MAX (0, -shift);
  gint to = MIN ((gint) a->len, (gint) b->len - shift);
  gdouble sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
  gint n = to - from;

  if (n < 2)
    return 0;
  for (gint i = from; i < to; i++) {
    gdouble x = g_array_index (a, gfloat, i);
    gdouble y = g_array_index (b, gfloat, i + shift);

    sa += x;
    sb += y;
    saa += x * x;
    sbb += y * y;
    sab += x * y;
  }
  saa -= sa * sa / n;
  sbb -= sb * sb / n;
  sab -= sa * sb / n;
  return saa > 0 && sbb > 0 ? sab / sqrt (saa * sbb) : 0;
}

static gdouble
best_correlation (const GArray * a, const GArray * b, gint center, gint range,
    gint * shift)
{
  gdouble best = -1;

  for (gint s = center - range; s <= center + range; s++) {
    gdouble value = correlate (a, b, s);

    if (value > best) {
      best = value;
      *shift = s;
    }
  }
  return best;
}

static void
check_sound (const MediaFile * sent, const MediaFile * recorded,
    gdouble * shift_ms)
{
  g_autoptr (GArray) sent_loudness = envelope (sent->samples);
  g_autoptr (GArray) recorded_loudness = envelope (recorded->samples);
  gdouble db = loudness_db ((const gfloat *) recorded->samples->data,
      recorded->samples->len);
  gint coarse = 0, fine = 0;
  gdouble loudness, sound;

  check (db >= MIN_LOUDNESS_DB, "sound: %.1f dB recorded", db);
  loudness = best_correlation (sent_loudness, recorded_loudness, 0,
      MAX_SHIFT_S * ENVELOPE_RATE, &coarse);
  sound = best_correlation (sent->samples, recorded->samples,
      coarse * ENVELOPE_STEP, 2 * ENVELOPE_STEP, &fine);
  *shift_ms = fine * 1000.0 / MEDIA_FILE_RATE;
  check (loudness >= MIN_LOUDNESS_CORRELATION
      && sound >= MIN_SOUND_CORRELATION,
      "same sound: loudness correlates by %.2f, the wave by %.2f", loudness,
      sound);
}

/* --- encoded frames --- */

static void
check_encoded (const gchar * what, GHashTable * sent, GHashTable * recorded)
{
  guint n = g_hash_table_size (recorded), same = 0;
  GHashTableIter iter;
  gpointer hash;

  g_hash_table_iter_init (&iter, recorded);
  while (g_hash_table_iter_next (&iter, &hash, NULL))
    same += g_hash_table_contains (sent, hash);
  check (n > 0 && same >= MIN_SAME_ENCODED * n,
      "not transcoded: %u of %u different encoded %s are byte for byte as sent",
      same, n, what);
}

static void
compare (const MediaFile * sent, const MediaFile * recorded,
    gboolean same_frames)
{
  PictureReport pictures = { 0, };
  gdouble sound_shift_ms = 0;

  check_length ("video length", media_file_video_length (sent),
      media_file_video_length (recorded));
  check_length ("audio length", media_file_audio_length (sent),
      media_file_audio_length (recorded));
  check (recorded->duration > 0, "finished file: its header says %.2f s",
      seconds (recorded->duration));
  check_length ("file length", sent->duration, recorded->duration);
  check_pictures (sent, recorded, &pictures);
  check_sound (sent, recorded, &sound_shift_ms);
  check (ABS (sound_shift_ms - pictures.shift_ms) <= MAX_OUT_OF_STEP_MS,
      "in step: picture moved by %.0f ms, sound by %.0f ms",
      pictures.shift_ms, sound_shift_ms);
  if (same_frames) {
    check_encoded ("pictures", sent->encoded_video, recorded->encoded_video);
    check_encoded ("sounds", sent->encoded_audio, recorded->encoded_audio);
  }
}

int
main (int argc, char **argv)
{
  gboolean same_frames = FALSE;
  GOptionEntry entries[] = {
    {"same-frames", 0, 0, G_OPTION_ARG_NONE, &same_frames,
        "the encoded frames must be those that were sent", NULL},
    {NULL}
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("SENT.mkv RECORDED.mkv");
  g_autoptr (GError) error = NULL;
  g_autoptr (MediaFile) sent = NULL;
  g_autoptr (MediaFile) recorded = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_add_group (context, gst_init_get_option_group ());
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 3) {
    g_printerr ("usage: compare-media [--same-frames] SENT.mkv RECORDED.mkv\n");
    return 2;
  }
  sent = media_file_read (argv[1], &error);
  if (sent == NULL) {
    g_printerr ("compare-media: %s: %s\n", argv[1], error->message);
    return 2;
  }
  recorded = media_file_read (argv[2], &error);
  if (recorded == NULL) {
    g_print ("FAIL %s cannot be read: %s\n", argv[2], error->message);
    return 1;
  }
  compare (sent, recorded, same_frames);
  return n_failed == 0 ? 0 : 1;
}
