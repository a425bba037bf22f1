#ifndef FAKE_QOS_H
#define FAKE_QOS_H
typedef enum { QOS_CLASS_USER_INITIATED = 0x19 } qos_class_t;
int pthread_set_qos_class_self_np(qos_class_t qos_class, int relative_priority);
#endif
