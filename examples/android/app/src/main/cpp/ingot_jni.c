/* The native methods of app.ingot.Fable. Handles are pointers as longs; errors become exceptions. */
#include <jni.h>
#include <stdint.h>
#include <stdlib.h>
#include "fable.h"

typedef struct talk {
  ingot_model *model;
  ingot_session *session;
} talk;

static void raise(JNIEnv *env, const char *message) {
  jclass type = (*env)->FindClass(env, "java/lang/IllegalStateException");
  if (type) (*env)->ThrowNew(env, type, message);
}

static talk *of(jlong handle) { return (talk *)(intptr_t)handle; }

/* Plan: the asset's bytes. Weights: the range of the APK's descriptor where the asset lies, mapped there; the descriptor may be closed afterwards. */
JNIEXPORT jlong JNICALL Java_app_ingot_Fable_open(JNIEnv *env, jclass self, jbyteArray plan, jint fd, jlong offset, jlong size) {
  (void)self;
  ingot_error error;
  talk *t = calloc(1, sizeof *t);
  jbyte *bytes = t ? (*env)->GetByteArrayElements(env, plan, NULL) : NULL;
  if (!bytes) {
    free(t);
    raise(env, "no memory for the plan");
    return 0;
  }
  ingot_model_options options = {.size = sizeof options,
                                 .plan = bytes,
                                 .plan_size = (size_t)(*env)->GetArrayLength(env, plan),
                                 .weights_fd = fd,
                                 .weights_fd_offset = (uint64_t)offset,
                                 .weights_fd_size = (uint64_t)size};
  ingot_status status = ingot_model_open(&fable_program, &options, &t->model, &error); /* copies the plan */
  (*env)->ReleaseByteArrayElements(env, plan, bytes, JNI_ABORT);
  if (status >= 0) status = ingot_session_open(t->model, NULL, &t->session, &error);
  if (status >= 0) return (jlong)(intptr_t)t;
  ingot_model_close(t->model);
  free(t);
  raise(env, error.message);
  return 0;
}

JNIEXPORT void JNICALL Java_app_ingot_Fable_close(JNIEnv *env, jclass self, jlong handle) {
  (void)env, (void)self;
  talk *t = of(handle);
  if (!t) return;
  ingot_session_close(t->session);
  ingot_model_close(t->model);
  free(t);
}

JNIEXPORT void JNICALL Java_app_ingot_Fable_cancel(JNIEnv *env, jclass self, jlong handle) {
  (void)env, (void)self;
  ingot_cancel(of(handle)->session);
}

typedef struct hearer {
  JNIEnv *env;
  jobject listener;
  jmethodID hear;
} hearer;

/* UTF-8 goes over as bytes: JNI's own strings are another encoding. */
static bool hear(void *user, const ingot_piece *piece) {
  hearer *h = user;
  JNIEnv *env = h->env;
  jbyteArray bytes = (*env)->NewByteArray(env, (jsize)piece->size);
  if (!bytes) return false;
  (*env)->SetByteArrayRegion(env, bytes, 0, (jsize)piece->size, (const jbyte *)piece->text);
  jboolean more = (*env)->CallBooleanMethod(env, h->listener, h->hear, bytes);
  (*env)->DeleteLocalRef(env, bytes);
  return !(*env)->ExceptionCheck(env) && more;
}

/* `talk`: JSON, {"messages": [{"role": ..., "content": ...}, ...]} in UTF-8. The listener has `boolean hear(byte[])`. */
JNIEXPORT void JNICALL Java_app_ingot_Fable_chat(JNIEnv *env, jclass self, jlong handle, jbyteArray json, jint most, jobject listener) {
  (void)self;
  ingot_error error;
  hearer h = {env, listener, (*env)->GetMethodID(env, (*env)->GetObjectClass(env, listener), "hear", "([B)Z")};
  jbyte *bytes = h.hear ? (*env)->GetByteArrayElements(env, json, NULL) : NULL;
  if (!bytes) return; /* an exception is pending */
  ingot_status status = ingot_chat_json(of(handle)->session, (const char *)bytes, (size_t)(*env)->GetArrayLength(env, json), (uint32_t)most, hear, &h, &error);
  if (!(*env)->ExceptionCheck(env) && status < 0) raise(env, error.message);
  (*env)->ReleaseByteArrayElements(env, json, bytes, JNI_ABORT);
}
